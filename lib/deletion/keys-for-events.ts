import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { MOST_KEYS } from '../events/most-keys.js';
import type { OperationPart } from '../events/operation.js';
import { getInstallation } from '../installation/installation.js';
import { primaryColumns } from '../metadata/relations/relation-graph.js';
import { entityKeyOf, entityKeys } from '../sql/entity-key.js';
import type { RowSet } from '../sql/row-set.js';
import { tableName } from '../sql/table-name.js';
import type { UnitTime } from '../sql/take-unit-time.js';
import { execute } from '../sql/transaction.js';

/**
 * What a unit has done to each entity with the keys of the rows, where somebody listens to the events and there are few. Costs one SELECT
 * per entity then, and nothing otherwise.
 *
 * @internal
 */
export async function withKeysOfUnit(
  em: EntityManager,
  ctx: Transaction,
  unit: UnitTime,
  parts: readonly OperationPart[],
): Promise<OperationPart[]> {
  const named: OperationPart[] = [];
  for (const part of parts) {
    const isAsked = !part.keys && isNamed(em, part.count);
    named.push(isAsked ? { ...part, keys: await keysOfUnit(em, ctx, part.meta, unit) } : part);
  }
  return named;
}

/** The keys of the rows of an entity in a set, on the same terms; the rows must be there still. @internal */
export async function keysOfRows(
  em: EntityManager,
  ctx: Transaction,
  meta: EntityMetadata,
  rows: RowSet,
): Promise<{ keys?: readonly unknown[] }> {
  if (!isNamed(em, rows.count(meta))) {
    return {};
  }
  const keys = rows.keys(meta);
  const entityKey = await entityKeys(em, ctx, meta, keys);
  return { keys: keys.map(entityKey) };
}

function isNamed(em: EntityManager, count: number): boolean {
  return count > 0 && count <= MOST_KEYS && getInstallation(em).events.isObserved;
}

async function keysOfUnit(
  em: EntityManager,
  ctx: Transaction,
  meta: EntityMetadata,
  unit: UnitTime,
): Promise<readonly unknown[]> {
  const entry = getInstallation(em).catalog.get(meta);
  const quote = (name: string) => em.getPlatform().quoteIdentifier(name);
  const columns = primaryColumns(meta).map((column, i) => `c.${quote(column)} as "soft-delete:${i}"`);
  const rows = await execute<Record<string, unknown>>(
    em,
    ctx,
    `select ${columns.join(', ')} from ${tableName(em, meta)} as c ` +
      `where c.${quote(entry.column)} = cast(? as ${entry.columnType})`,
    [unit.text],
  );
  return rows.map((row) =>
    entityKeyOf(
      em.getPlatform(),
      meta,
      columns.map((_, i) => row[`soft-delete:${i}`]),
    ),
  );
}
