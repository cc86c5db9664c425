import type { EntityMetadata } from '@mikro-orm/core';
import { SoftDeleteConfigError } from '../errors/soft-delete-config.error.js';
import { parseRetention } from '../options/duration.js';
import type { RelationPolicy, SoftDeletableOptions } from '../options/soft-deletable-options.js';
import { describeRelations } from './relations/describe-relations.js';
import { SoftDeletableEntity } from './soft-deletable.entity.js';

/**
 * An entity whose deleted rows are archived, with everything that its mark leaves open filled in. The root of an inheritance
 * hierarchy stands for all of it.
 *
 * @internal
 */
export interface ArchivedEntityMetadata {
  readonly name: string;
  readonly meta: EntityMetadata;
  /** Milliseconds, `'forever'`, or `undefined` for the module's default. */
  readonly retention: number | 'forever' | undefined;
  readonly relations: Readonly<Record<string, RelationPolicy>>;
  /** Today's name by the name that a column had. */
  readonly renamed: ReadonlyMap<string, string>;
  readonly dropped: ReadonlySet<string>;
}

/**
 * What the mark of an archived entity means.
 *
 * @throws SoftDeleteConfigError if the entity is marked in a way that cannot work
 * @internal
 */
export function describeArchived(meta: EntityMetadata, mark: SoftDeletableOptions): ArchivedEntityMetadata {
  const where = `@SoftDeletable() on ${meta.className}`;
  if (meta.class.prototype instanceof SoftDeletableEntity) {
    throw new SoftDeleteConfigError(
      `${where}, strategy`,
      "it extends SoftDeletableEntity, but with 'archive' deleted rows leave the table: nothing would write the timestamp.",
      "Let it extend nothing, or leave out `strategy: 'archive'`.",
    );
  }
  return {
    name: meta.className,
    meta,
    retention: mark.retention === undefined ? undefined : parseRetention(`${where}, retention`, mark.retention),
    relations: describeRelations(meta, where, mark.relations ?? {}),
    renamed: new Map(Object.entries(mark.archive?.renamed ?? {})),
    dropped: new Set(mark.archive?.dropped ?? []),
  };
}
