import { MikroORM } from '@mikro-orm/core';
import { MikroOrmModule } from '@mikro-orm/nestjs';
import { defineEntity, p, type MikroORM as PostgreSqlMikroORM, PostgreSqlDriver } from '@mikro-orm/postgresql';
import type { INestApplicationContext } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  getSoftDeleteRepositoryToken,
  softDeletable,
  SoftDeleteModule,
  type SoftDeleteRepository,
} from 'nestjs-mikro-orm-soft-delete';
import { complianceEntities } from 'nestjs-mikro-orm-soft-delete/compliance';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';

const Visit = softDeletable(
  defineEntity({ name: 'Visit', tableName: 'visit', properties: { id: p.integer().primary(), path: p.text() } }),
  { strategy: 'archive' },
);

describe('An archived entity in a Nest application', () => {
  let database: TestDatabase;
  let app: INestApplicationContext;

  beforeAll(async () => {
    database = await createTestDatabase();
    const module = await Test.createTestingModule({
      imports: [
        MikroOrmModule.forRoot({
          driver: PostgreSqlDriver,
          clientUrl: database.url,
          entities: [Visit, ...complianceEntities()],
          allowGlobalContext: true,
        }),
        SoftDeleteModule.forRoot(),
        SoftDeleteModule.forFeature([Visit]),
      ],
    }).compile();
    app = await module.init();
    await app.get<PostgreSqlMikroORM>(MikroORM).schema.create();
  });
  afterAll(async () => {
    await app.close();
    await database.drop();
  });

  it('has a repository that services inject', async () => {
    await database.query(`insert into visit (id, path) values (1, '/a'), (2, '/b')`);
    const visits: SoftDeleteRepository<{ id: number; path: string }> = app.get(getSoftDeleteRepositoryToken(Visit));
    expect(await visits.softDelete(1)).toMatchObject({ total: 1 });
    expect(await database.query('select id from visit')).toEqual([{ id: 2 }]);
    expect(await database.query('select key from deletion_archive')).toEqual([{ key: '1' }]);

    await visits.restore(1);
    expect(await database.query('select id, path from visit order by id')).toEqual([
      { id: 1, path: '/a' },
      { id: 2, path: '/b' },
    ]);
  });
});
