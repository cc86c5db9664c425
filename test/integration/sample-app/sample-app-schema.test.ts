import { readFileSync } from 'node:fs';
import { type EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { describeDeletionPolicy, installSoftDelete, SoftDeleteDoctor } from 'nestjs-mikro-orm-soft-delete';
import { ormOptions } from '../../../sample-app/src/orm-options.js';
import { ShopSeeder } from '../../../sample-app/src/seeders/shop.seeder.js';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';

describe('the sample app', () => {
  let database: TestDatabase;
  let orm: MikroORM;

  beforeAll(async () => {
    database = await createTestDatabase();
    orm = await MikroORM.init({ ...ormOptions(database.url), extensions: [] });
    await orm.schema.create();
    installSoftDelete(orm);
    await new ShopSeeder().run(orm.em.fork() as EntityManager);
  });

  afterAll(async () => {
    await orm.close(true);
    await database.drop();
  });

  it('is sound in the eyes of the doctor, as it is filled at its first start', async () => {
    expect(await new SoftDeleteDoctor(orm).examine()).toEqual([]);
  });

  it('keeps its DELETION_POLICY.md in step with its entities', () => {
    const file = new URL('../../../sample-app/DELETION_POLICY.md', import.meta.url);
    expect(readFileSync(file, 'utf8')).toBe(describeDeletionPolicy(orm));
  });
});
