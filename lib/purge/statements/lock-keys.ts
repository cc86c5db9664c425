import { type DueRows, keyListSql, keySql, sameKeySql, stillDueSql } from '../fragments/row-sql.js';

/** Locks the rows of a list that are still due, passing over those that somebody else has locked. @internal */
export function lockKeys({ plan, cutoff, quote }: DueRows, keys: readonly string[]): string {
  const { entity } = plan;
  return `select ${keySql(entity.table)} as key
from ${keyListSql(entity.table, keys, quote)} join ${entity.table.name} as p on ${sameKeySql(entity.table, 'p')}
where ${stillDueSql(entity, cutoff, quote)} for update of p skip locked`;
}
