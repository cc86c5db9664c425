import { stripVTControlCharacters } from 'node:util';
import { MikroORM, type Options } from '@mikro-orm/postgresql';
import { installSoftDelete, type InstallSoftDeleteOptions } from 'nestjs-mikro-orm-soft-delete';
import { createTestDatabase, type TestDatabase } from './database.js';

export interface TestOrm {
  readonly orm: MikroORM;
  readonly database: TestDatabase;
  /** Every SQL statement the ORM has sent since the last `statements.length = 0`. */
  readonly statements: string[];
  close(): Promise<void>;
}

/**
 * An ORM over a fresh database with the schema of the given entities, soft deletion installed.
 *
 * @param setup - SQL that the schema needs, such as extensions
 */
export async function createTestOrm(
  entities: NonNullable<Options['entities']>,
  options: Partial<Options> = {},
  softDelete: InstallSoftDeleteOptions | false = {},
  setup?: string,
): Promise<TestOrm> {
  const database = await createTestDatabase();
  if (setup) {
    await database.query(setup);
  }
  const statements: string[] = [];
  const orm = await MikroORM.init({
    clientUrl: database.url,
    entities,
    debug: ['query', 'query-params'],
    logger: (message) => {
      const sql = /\[query\] (.*?) \[took/s.exec(stripVTControlCharacters(message))?.[1];
      if (sql) {
        statements.push(sql);
      }
    },
    ...options,
  });
  await orm.schema.create();
  if (softDelete) {
    installSoftDelete(orm, softDelete);
  }
  statements.length = 0;
  return {
    orm,
    database,
    statements,
    async close() {
      await orm.close(true);
      await database.drop();
    },
  };
}
