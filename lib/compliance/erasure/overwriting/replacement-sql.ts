import type { EntityManager } from '@mikro-orm/postgresql';
import type { SqlFragment } from '../../../sql/row-condition-sql.js';
import type { PersonalField } from '../declaration/personal-data-entity.js';

/** The alias that the ORM's `raw((alias) => …)` leaves to be filled in. */
const ALIAS = /\[::alias::\]/g;

/**
 * What takes the place of a value, as an expression of the column's type.
 *
 * @param key - SQL of the row's key as one text
 * @internal
 */
export function replacementSql(em: EntityManager, field: PersonalField, key: string): SqlFragment {
  const { value, type, writtenBy = (text: string) => text } = field;
  const quote = (text: string) => em.getPlatform().quoteValue(text);
  const bytes = `sha256(convert_to(${quote(`${field.table.root.className}.${field.column}:`)} || ${key}, 'UTF8'))`;
  const digits = `encode(${bytes}, 'hex')`;
  switch (value.kind) {
    case 'null':
      return { sql: `cast(null as ${type})`, params: [] };
    case 'constant':
      return { sql: `cast(${writtenBy('?')} as ${type})`, params: [value.text] };
    case 'email':
      return {
        sql: `cast(${writtenBy(`'erased-' || substr(${digits}, 1, 16) || '@erased.invalid'`)} as ${type})`,
        params: [],
      };
    case 'digest':
      return /^bytea/i.test(type) && !field.writtenBy
        ? { sql: bytes, params: [] }
        : { sql: `cast(${writtenBy(`substr(${digits}, 1, ${value.length})`)} as ${type})`, params: [] };
    case 'raw': {
      const params: unknown[] = [...value.params];
      const kept: unknown[] = [];
      const sql = value.sql.replace(ALIAS, 'c').replaceAll(/\\\?|\?\??/g, (mark) => {
        if (mark === '\\?') {
          return mark;
        }
        const param = params.shift();
        if (mark === '??') {
          return em.getPlatform().quoteIdentifier(String(param));
        }
        kept.push(param);
        return '?';
      });
      return { sql: `cast((${sql}) as ${type})`, params: kept };
    }
  }
}

/**
 * Whether a column shows something else. Compared as texts: not every type can be compared. Of a type that reads by SQL of its own, what
 * that gives: what is encrypted is never the same twice.
 *
 * @param column - of the field's type
 * @internal
 */
export function differsSql(
  em: EntityManager,
  field: PersonalField,
  key: string,
  column = `c.${em.getPlatform().quoteIdentifier(field.column)}`,
): SqlFragment {
  const { sql, params } = replacementSql(em, field, key);
  const { readBy = (value: string) => value } = field;
  return { sql: `(${readBy(column)})::text is distinct from (${readBy(sql)})::text`, params };
}
