import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { type SoftDeletableEntityMetadata, SoftDeleteCatalog } from '../metadata/soft-delete-catalog.js';
import type { SqlFragment } from '../sql/row-condition-sql.js';
import { arrayText } from '../sql/row-set.js';
import { tableName } from '../sql/table-name.js';
import { execute } from '../sql/transaction.js';
import { byBytes } from './by-bytes.js';
import { KeptFacts } from './kept-facts.js';
import { KEEPS_APART_SQL, UNIQUE_INDEX_SQL, type UniqueIndex } from './catalog/read-unique-indexes.js';

/** A unique index or exclusion constraint that depends on the time of deletion. @internal */
export interface KnownUniqueIndex extends UniqueIndex {
  readonly fingerprint: string;
}

/** A condition on an index that makes it one that depends on the time of deletion `a`. */
const DEPENDS_ON_DELETION = `${KEEPS_APART_SQL}
  and (a.attnum = any(i.indkey) or exists (
    select from pg_depend as d
    where d.classid = 'pg_class'::regclass and d.objid = i.indexrelid
      and d.refclassid = 'pg_class'::regclass and d.refobjid = i.indrelid and d.refobjsubid = a.attnum))`;

/** All that an index says, as one text. */
const FINGERPRINT = `concat_ws(' ', i.indexrelid, pg_get_indexdef(i.indexrelid),
  (select pg_get_constraintdef(x.oid) from pg_constraint as x where x.conindid = i.indexrelid and x.contype = 'x'))`;

/** Tables and times of deletion as parameters, with their indexes. */
const FROM = `unnest(cast(? as text[]), cast(? as text[])) with ordinality as t(name, deleted_at, n)
  join pg_index as i on i.indrelid = to_regclass(t.name)
  join pg_attribute as a on a.attrelid = i.indrelid and a.attname = t.deleted_at`;

/**
 * The unique indexes and exclusion constraints of the entities' tables that depend on the time of deletion. One that does not cannot be
 * in the way of a restoration: it holds for deleted rows too.
 *
 * @internal
 */
export class UniqueFacts {
  constructor(private readonly indexes: ReadonlyMap<SoftDeletableEntityMetadata, readonly KnownUniqueIndex[]>) {}

  of(entry: SoftDeletableEntityMetadata): readonly KnownUniqueIndex[] {
    return this.indexes.get(entry) ?? [];
  }

  /** The condition that these entities have no others by now. */
  isFresh(em: EntityManager, entries: readonly SoftDeletableEntityMetadata[]): SqlFragment {
    const fingerprints = entries.flatMap((entry, n) =>
      this.of(entry).map(({ fingerprint }) => `${n + 1} ${fingerprint}`),
    );
    return {
      sql: `array(select (t.n || ' ' || ${FINGERPRINT}) collate "C" from ${FROM} where ${DEPENDS_ON_DELETION} order by 1) = cast(? as text[])`,
      params: [...tablesAndTimes(em, entries), arrayText(fingerprints.toSorted(byBytes))],
    };
  }
}

/** The unique indexes, as far as they are known. @internal */
export const uniqueFacts = new KeptFacts(async (em, ctx) => {
  const entries = SoftDeleteCatalog.of(em).all();
  const rows = await execute<KnownUniqueIndex & { entity: number }>(
    em,
    ctx as Transaction,
    `select (t.n - 1)::int as entity, ${UNIQUE_INDEX_SQL},
       ${FINGERPRINT} as fingerprint
     from ${FROM} join pg_class as c on c.oid = i.indexrelid
     where ${DEPENDS_ON_DELETION} order by t.n, c.relname`,
    tablesAndTimes(em, entries),
  );
  return new UniqueFacts(Map.groupBy(rows, ({ entity }) => entries[entity]!));
});

function tablesAndTimes(em: EntityManager, entries: readonly SoftDeletableEntityMetadata[]): string[] {
  return [arrayText(entries.map(({ meta }) => tableName(em, meta))), arrayText(entries.map(({ column }) => column))];
}
