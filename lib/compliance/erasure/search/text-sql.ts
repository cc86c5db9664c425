/** The texts that a value holds: itself, or all texts within a json document or an array. @internal */
export function leavesSql(json: string): string {
  return `select l.value #>> '{}' from jsonb_path_query(${json}, 'strict $.**') as l (value) where jsonb_typeof(l.value) in ('string', 'number')`;
}

/** All texts that somebody has put into a value: the names of the parts of a document as well, which are no values of anybody's. @internal */
export function textsSql(json: string): string {
  // To the ORM a question mark would stand for a value.
  const names = String.raw`'strict $.** \? (@.type() == "object").keyvalue().key'`;
  return `${leavesSql(json)} union all select n.name #>> '{}' from jsonb_path_query(${json}, ${names}) as n (name)`;
}

/** From how many characters on a text is one that nobody writes twice by chance. @internal */
export const LONG = 8;

/**
 * A number for a text, to find the same text by within one transaction. It is made of bytes, whatever the column's collation takes for equal.
 *
 * @internal
 */
export function signatureSql(text: string): string {
  return `hashtextextended(${text} collate "C", 0)`;
}

/** Whether the text of a column is the value itself, so that no document has to be taken apart. @internal */
export function isPlain(type: string): boolean {
  return /^(text|citext|varchar|character varying|bpchar|char|character)( ?\(\d+\))?$/i.test(type);
}

/** The text of a plain column, compared as all others are, whatever the column's collation takes for equal. @internal */
export function plainSql(column: string): string {
  return `${column}::text collate "default"`;
}

/** Enough digits that two texts of one person do not have the same. */
const HASH_LENGTH = 16;

/** A text that tells whether another one is the same, without saying what it is. @internal */
export function hashSql(text: string): string {
  return `left(encode(sha256(convert_to(${text}, 'UTF8')), 'hex'), ${HASH_LENGTH})`;
}

/** A value as json, whose texts can be listed. Of bytes, those that are letters; without the blanks that fill up a `char`. @internal */
export function jsonSql(column: string, type: string): string {
  if (isPlain(type)) {
    return `to_jsonb(${plainSql(column)})`;
  }
  return /^bytea$/i.test(type) ? `to_jsonb(encode(${column}, 'escape'))` : `to_jsonb(${column})`;
}
