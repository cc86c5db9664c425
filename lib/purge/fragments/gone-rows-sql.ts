import { unitTextSql } from '../../sql/deleted-at-sql.js';
import { type DueRows, keySql } from './row-sql.js';

/** A row `p` that went: its key and the unit it was deleted in. @internal */
export type GoneRow = readonly [key: readonly string[], unit: string];

/** What a deleting statement returns of its rows `p`, as the column `gone`: nothing unless somebody attends. @internal */
export function goneRowSql({ isAttended, plan: { entity } }: DueRows): string {
  const { deletedAt, table } = entity;
  return isAttended
    ? `jsonb_build_array(${keySql(table)}::jsonb, ${unitTextSql(`p.${deletedAt.name}`, deletedAt.type)}) as gone`
    : 'null::jsonb as gone';
}

/** The rows that the common table expression `gone` has returned, as one value. @internal */
export function goneRowsSql({ isAttended }: DueRows, gone = 'gone'): string {
  return isAttended ? `(select jsonb_agg(g.gone) from ${gone} as g)` : 'null::jsonb';
}
