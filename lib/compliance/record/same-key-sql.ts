import type { EntityMetadata } from '@mikro-orm/core';
import type { SqlFragment } from '../../sql/row-condition-sql.js';
import { primaryColumnTypes, type RowKey } from '../../sql/row-set.js';

/** Types whose equal values have one text once a column has them: not `citext`, for one, nor a `numeric` that keeps its zeros. */
const HAS_ONE_TEXT =
  /^((small|big)?(int|serial)|text|varchar|char|bpchar|uuid|bool|date|bytea|timestamp|(numeric|decimal) ?\()/i;

/** @internal */
export function hasOneText(type: string): boolean {
  return HAS_ONE_TEXT.test(type);
}

/**
 * The rows that were kept with a key, as PostgreSQL compares its values: a row may have had it in another spelling.
 *
 * @param entity - the column with the entity's name
 * @param list - the key's texts, a list in `jsonb`
 * @internal
 */
export function sameKeySql({ root }: EntityMetadata, entity: string, list: string, key: RowKey): SqlFragment {
  const columns = primaryColumnTypes(root);
  if (columns.every(({ type }) => hasOneText(type))) {
    return { sql: `${entity} = ? and ${list} = cast(? as jsonb)`, params: [root.className, JSON.stringify(key)] };
  }
  const same = columns.map(({ type }, i) => `cast(${list} ->> ${i} as ${type}) = cast(? as ${type})`);
  // Keys of other entities may be none of the type.
  return { sql: `case when ${entity} = ? then ${same.join(' and ')} end`, params: [root.className, ...key] };
}
