import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { tablesOf } from '../../metadata/mapped-tables.js';

/**
 * The columns of a table that custom types read through SQL of their own (`convertToJSValueSQL()`), under the names that they have anyway: of
 * several columns with one name the last one counts.
 *
 * @param alias - of the rows
 * @internal
 */
export function convertedColumnsSql(em: EntityManager, table: EntityMetadata, alias: string): string[] {
  const quote = (name: string) => em.getPlatform().quoteIdentifier(name);
  // A table that classes share has columns of all of them.
  const classes = [...em.getMetadata()].filter(({ root }) => root === table.root);
  const own = tablesOf(em.getMetadata(), table.root).length > 1 ? [table] : classes;
  const converted = new Map<string, string>();
  for (const { customType, fieldNames, hasConvertToJSValueSQL, persist } of own.flatMap(
    (meta) => meta.ownProps ?? meta.props,
  )) {
    const [column] = fieldNames ?? [];
    if (column !== undefined && fieldNames.length === 1 && persist !== false && hasConvertToJSValueSQL) {
      const name = quote(column);
      converted.set(column, `${customType!.convertToJSValueSQL!(`${alias}.${name}`, em.getPlatform())} as ${name}`);
    }
  }
  return [...converted.values()];
}
