import { keyFingerprintSql } from '../key-fingerprint-sql.js';

/** @internal */
export interface ForeignKeyRow {
  readonly constraint: string;
  /** The tables, of which either may be a partition, and the roots of their partition trees if they are. */
  readonly from: number;
  readonly fromRoot: number | null;
  readonly to: number;
  readonly toRoot: number | null;
  readonly fromNumbers: readonly number[];
  readonly toNumbers: readonly number[];
  /** The letter of `pg_constraint.confdeltype`. */
  readonly action: string;
  /** Whether its triggers run in this session. A key that is declared as not enforced has none. */
  readonly isEnforced: boolean;
  readonly fingerprint?: string;
}

/**
 * Every foreign key of the database, mapped or not. Reads one catalog plainly and leaves the rest to the caller: on a new connection,
 * which has nothing of the catalogs cached yet, each further catalog, function and type takes longer than the rows do.
 *
 * @param fingerprints - whether to read what tells later that a key has changed
 * @internal
 */
export function readForeignKeys(fingerprints: boolean): string {
  return `select k.conname as constraint, k.conrelid as "from", pg_partition_root(k.conrelid)::oid as "fromRoot",
  k.confrelid as "to", pg_partition_root(k.confrelid)::oid as "toRoot", k.conkey as "fromNumbers", k.confkey as "toNumbers",
  k.confdeltype as action, ${fingerprints ? `${keyFingerprintSql()} as fingerprint, ` : ''}coalesce((
    select bool_and(t.tgenabled in (case current_setting('session_replication_role') when 'replica' then 'R' else 'O' end, 'A'))
    from pg_trigger as t where t.tgconstraint = k.oid
  ), false) as "isEnforced"
from pg_constraint as k
where k.contype = 'f' and k.conparentid = 0`;
}
