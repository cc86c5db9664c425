import type { EntityManager } from '@mikro-orm/postgresql';
import type { TableColumn } from '../../postgres/table-shape.js';

/** The text of a column of rows `c` that PostgreSQL reads as the same value. @internal */
export function columnTextSql(em: EntityManager, { name, type }: TableColumn): string {
  const column = `c.${em.getPlatform().quoteIdentifier(name)}`;
  // A cast leaves out the blanks at the end, which no length would fill in again.
  return type === 'bpchar' ? `to_jsonb(${column}) #>> '{}'` : `${column}::text`;
}
