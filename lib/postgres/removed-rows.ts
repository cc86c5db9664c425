import type { EntityMetadata } from '@mikro-orm/core';
import { AdvisedRestriction } from '../errors/deletion-restriction.js';
import type { SqlFragment } from '../sql/row-condition-sql.js';
import { arrayText } from '../sql/row-set.js';

const ADVICE =
  'Foreign keys would remove them unseen. Delete as a user who sees them (BYPASSRLS), or change the deleteRule of these keys.';

/** A table from which foreign keys may remove rows that a policy hides. @internal */
export interface GuardedTable {
  /** The quoted name. */
  readonly name: string;
  readonly entity: EntityMetadata | undefined;
}

/**
 * How many rows of tables the transaction has removed, by whatever statement or key, as an array; `null` where no policy hides rows from
 * the user: foreign keys pass row-level security.
 *
 * @param passed - the names of the tables that keys pass, these unless given
 * @internal
 */
export function removedSql(
  tables: readonly GuardedTable[],
  passed: readonly string[] = tables.map(({ name }) => name),
): SqlFragment {
  return {
    sql:
      'case when exists (select from unnest(cast(? as text[])) as f(name) where row_security_active(to_regclass(f.name)::oid)) then ' +
      `array(select ${writtenSql('to_regclass(t.name)', ['deleted'])} from unnest(cast(? as text[])) with ordinality as t(name, i) order by t.i) end`,
    params: [arrayText(passed), arrayText(tables.map(({ name }) => name))],
  };
}

/** How many rows of a table, or of its partitions, the transaction has written in these ways, by whatever statement or key. @internal */
export function writtenSql(table: string, ways: readonly ('updated' | 'deleted')[]): string {
  const counts = ways.map((way) => `pg_stat_get_xact_tuples_${way}(w.relid)`);
  return (
    `(select sum(${counts.join(' + ')})::int ` +
    `from (select ${table}::regclass as relid union select p.relid from pg_partition_tree(${table}) as p) as w)`
  );
}

/**
 * The rows that foreign keys have removed unseen.
 *
 * @param own - how many rows of an entity were removed by name
 * @internal
 */
export function hiddenRows(
  tables: readonly GuardedTable[],
  before: readonly number[] | null | undefined,
  after: readonly number[] | null | undefined,
  own: (entity: EntityMetadata) => number = () => 0,
): AdvisedRestriction[] {
  return tables.flatMap(({ name, entity }, i) => {
    const count = (after?.[i] ?? 0) - (before?.[i] ?? 0) - (entity ? own(entity) : 0);
    const relation = `rows hidden by row-level security of ${name}`;
    return before && count > 0 ? [new AdvisedRestriction(relation, entity?.className ?? name, count, ADVICE)] : [];
  });
}
