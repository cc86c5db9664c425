import type { EntityManager } from '@mikro-orm/postgresql';
import type { SoftDeletableEntityMetadata } from '../../metadata/soft-delete-catalog.js';
import type { PgCatalog } from '../../postgres/catalog/read-pg-catalog.js';
import { tableName } from '../../sql/table-name.js';
import { hasNoSchema } from './has-no-schema.js';
import type { UnreachableEntity } from './key-graph.js';

/**
 * Why the purge leaves the rows of an entity alone: it lives in the schema of an entity manager that has none, or is mapped to a view, or to a
 * partition or an inherited table while keys lead to its root or its heirs.
 *
 * @internal
 */
export function findUnreachable(
  em: EntityManager,
  database: PgCatalog,
  entry: SoftDeletableEntityMetadata,
): UnreachableEntity[] {
  if (hasNoSchema(em, entry.meta)) {
    return [
      {
        entry,
        table: `*.${entry.meta.tableName}`,
        problem: "lives in the schema of the entity manager (schema '*'), and nothing says which schemas there are.",
        advice: "Set purge.schemas to a function that lists them, or name one: { schema: 'tenant_1' }.",
      },
    ];
  }
  const name = tableName(em, entry.meta);
  const table = database.byName.get(name);
  if (!table || (!table.isView && !database.keys.some(({ to }) => table.bound.includes(to)))) {
    return [];
  }
  const kind = table.isView ? 'view' : table.isPartition ? 'partition' : 'table that others inherit';
  const type = table.typeOf(entry.column);
  return [
    {
      entry,
      table: table.label,
      problem: `is mapped to ${name}, which is a ${kind}: foreign keys lead to other tables for its rows.`,
      advice: "Map the entity to the table that has the rows, or set its retention to 'forever'.",
      rows:
        type === undefined
          ? undefined
          : { table, deletedAt: { name: em.getPlatform().quoteIdentifier(entry.column), type } },
    },
  ];
}

/** Why the purge leaves rows alone, and what to do. @internal */
export function describeUnreachable({ entry, problem, advice }: UnreachableEntity): string {
  return `${entry.name} ${problem} ${advice}`;
}
