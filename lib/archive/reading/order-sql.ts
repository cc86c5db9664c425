import { type EntityMetadata, type EntityProperty, ReferenceKind, Utils } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { showValue } from '../../errors/text/show-value.js';
import { SoftDeleteConfigError } from '../../errors/soft-delete-config.error.js';

/** As in the ORM: properties with a direction, or a list of such. @internal */
export type SnapshotOrder = Readonly<Record<string, unknown>> | readonly Readonly<Record<string, unknown>>[];

/**
 * An order of rows `c` by columns of their own.
 *
 * @throws SoftDeleteConfigError if it names something else
 * @internal
 */
export function orderSql(em: EntityManager, { root }: EntityMetadata, orderBy: SnapshotOrder | undefined): string[] {
  return [orderBy ?? []]
    .flat()
    .flatMap((order) => partsSql(em, root, root.properties, order as Readonly<Record<string, unknown>>));
}

function partsSql(
  em: EntityManager,
  root: EntityMetadata,
  properties: Readonly<Record<string, EntityProperty>>,
  order: Readonly<Record<string, unknown>>,
): string[] {
  return Object.entries(order).flatMap(([name, direction]) => {
    const prop = properties[name];
    if (prop?.kind === ReferenceKind.EMBEDDED && !prop.object && Utils.isPlainObject(direction)) {
      return partsSql(em, root, prop.embeddedProps, direction as Record<string, unknown>);
    }
    const columns = prop?.persist === false ? [] : (prop?.fieldNames ?? []);
    const sql = directionSql(direction);
    if (columns.length !== 1 || sql === undefined) {
      throw new SoftDeleteConfigError(
        'onlyDeleted(), orderBy',
        `archived rows of ${root.className} cannot be ordered by ${name}: ${showValue(direction)}.`,
        'Name a property that has its own column, with asc or desc.',
      );
    }
    return `c.${em.getPlatform().quoteIdentifier(columns[0]!)} ${sql}`;
  });
}

function directionSql(direction: unknown): string | undefined {
  const text = direction === 1 ? 'asc' : direction === -1 ? 'desc' : String(direction).toLowerCase();
  return /^(asc|desc)( nulls (first|last))?$/.test(text) ? text : undefined;
}
