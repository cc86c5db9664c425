import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { hasTable } from '../../metadata/has-table.js';
import { schemaName } from '../../metadata/schema-name.js';
import type { DatabaseForeignKey, DatabaseTable, DatabaseView } from '../database-table.js';
import { READ_TABLES_SQL } from './read-tables.sql.js';
import { READ_VIEWS_SQL } from './read-views.sql.js';

/**
 * The tables and views in the schemas that the entities live in, with the ways to find them. Runs three queries.
 *
 * @internal
 */
export async function readDatabase(em: EntityManager, metadata: readonly EntityMetadata[]) {
  const [current] = await em.execute<{ schema: string | null; role: string }[]>(
    'select current_schema() as schema, current_user as role',
  );
  const schemaOf = (meta: EntityMetadata): string => schemaName(em, meta) ?? current!.schema ?? 'public';
  const schemas = [...new Set(metadata.map(schemaOf))];
  const tables = await em.execute<DatabaseTable[]>(READ_TABLES_SQL, [schemas, schemas]);
  const views = await em.execute<DatabaseView[]>(READ_VIEWS_SQL, [schemas]);

  const named = <Named extends { schema: string; name: string }>(list: readonly Named[]) =>
    new Map(list.map((item) => [JSON.stringify([item.schema, item.name]), item]));
  const tablesByName = named(tables);
  const viewsByName = named(views);
  const nameOf = (meta: EntityMetadata) => JSON.stringify([schemaOf(meta), meta.tableName]);
  const entities = new Map<DatabaseTable, EntityMetadata>();
  for (const meta of metadata) {
    const table = hasTable(meta) ? tablesByName.get(nameOf(meta)) : undefined;
    if (table && (meta.root === meta || meta.tptParent)) {
      entities.set(table, meta);
    }
  }
  const quote = (name: string) => em.getPlatform().quoteIdentifier(name);
  return {
    tables,
    role: current!.role,
    tableOf: (meta: EntityMetadata) => tablesByName.get(nameOf(meta)),
    viewOf: (meta: EntityMetadata) => viewsByName.get(nameOf(meta)),
    entityOf: (table: DatabaseTable) => entities.get(table),
    referenced: ({ referencedSchema, referencedTable }: DatabaseForeignKey) =>
      tablesByName.get(JSON.stringify([referencedSchema, referencedTable])),
    quote,
    label: ({ schema, name }: DatabaseTable) =>
      schema === current!.schema ? quote(name) : `${quote(schema)}.${quote(name)}`,
  };
}
