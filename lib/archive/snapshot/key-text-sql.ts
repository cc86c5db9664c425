import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { primaryColumnTypes, textSql } from '../../sql/row-set.js';

/**
 * The key of rows `alias` of a table as the archive has it: the text of a single one, a JSON array of a composite one.
 *
 * @internal
 */
export function keyTextSql(em: EntityManager, meta: EntityMetadata, alias: string): string {
  const texts = primaryColumnTypes(meta).map(({ column, type }) =>
    textSql(`${alias}.${em.getPlatform().quoteIdentifier(column)}`, type),
  );
  return keyOfTextsSql(texts);
}

/** The same of the texts of its columns. @internal */
export function keyOfTextsSql(texts: readonly string[]): string {
  return texts.length === 1 ? `(${texts[0]!})::text` : `array_to_json(array[${texts.join(', ')}])::text`;
}
