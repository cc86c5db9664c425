import { type DueRows, keyListSql, keySql, sameKeySql, stillDueSql } from '../fragments/row-sql.js';

/** Those rows of a list that are due. @internal */
export function listDueAmong({ plan: { entity }, cutoff, quote }: DueRows, keys: readonly string[]): string {
  const { table } = entity;
  return `select ${keySql(table)} as key from ${keyListSql(table, keys, quote)} join ${table.name} as p on ${sameKeySql(table, 'p')}
where ${stillDueSql(entity, cutoff, quote)}`;
}
