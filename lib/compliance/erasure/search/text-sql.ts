/** The texts that a value holds: itself, or all texts within a json document or an array. @internal */
export function leavesSql(json: string): string {
  return `select l.value #>> '{}' from jsonb_path_query(${json}, 'strict $.**') as l (value) where jsonb_typeof(l.value) in ('string', 'number')`;
}

/** Enough digits that two texts of one person do not have the same, and few enough to send many. @internal */
export const HASH_LENGTH = 16;

/** A text that tells whether another one is the same, without saying what it is. @internal */
export function hashSql(text: string): string {
  return `left(encode(sha256(convert_to(${text}, 'UTF8')), 'hex'), ${HASH_LENGTH})`;
}

/** A value as json, whose texts can be listed. Of bytes, those that are letters. @internal */
export function jsonSql(column: string, type: string): string {
  return /^bytea$/i.test(type) ? `to_jsonb(encode(${column}, 'escape'))` : `to_jsonb(${column})`;
}
