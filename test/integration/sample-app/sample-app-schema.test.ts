import { readFileSync } from 'node:fs';
import { type EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { describeDeletionPolicy, installSoftDelete, SoftDeleteDoctor } from 'nestjs-mikro-orm-soft-delete';
import { complianceTablesSql } from 'nestjs-mikro-orm-soft-delete/compliance';
import { expectErasureComplete } from 'nestjs-mikro-orm-soft-delete/testing';
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
    for (const sql of complianceTablesSql()) {
      await database.query(sql);
    }
    installSoftDelete(orm);
    await new ShopSeeder().run(orm.em.fork() as EntityManager);
  });

  afterAll(async () => {
    await orm.close(true);
    await database.drop();
  });

  it('is sound in the eyes of the doctor, as it is filled at its first start, but for having one database user', async () => {
    const findings = await new SoftDeleteDoctor(orm).examine();
    expect(findings.map(({ code, entity }) => [code, entity])).toEqual([
      ['records-owned', 'DeletionArchive'],
      ['records-owned', 'DeletionRecord'],
      ['records-owned', 'ErasureRecord'],
      ['records-owned', 'LegalHoldRecord'],
      ['records-owned', 'LegalHoldRow'],
    ]);
  });

  it('says of every column with text what an erasure does with it', () => {
    expect(() => expectErasureComplete(orm)).not.toThrow();
  });

  it('keeps its DELETION_POLICY.md in step with its entities', () => {
    const file = new URL('../../../sample-app/DELETION_POLICY.md', import.meta.url);
    expect(readFileSync(file, 'utf8')).toBe(describeDeletionPolicy(orm));
  });
});
