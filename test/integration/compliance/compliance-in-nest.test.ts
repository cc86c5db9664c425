import { MikroORM } from '@mikro-orm/core';
import { MikroOrmModule } from '@mikro-orm/nestjs';
import { type MikroORM as PostgreSqlMikroORM, PostgreSqlDriver } from '@mikro-orm/postgresql';
import { Controller, Delete, Inject, type INestApplication, Param } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { SoftDeleteModule, type SoftDeleteRepository } from 'nestjs-mikro-orm-soft-delete';
import {
  complianceEntities,
  DeletionLog,
  DeletionReason,
  getDeletionLogToken,
} from 'nestjs-mikro-orm-soft-delete/compliance';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';
import { LIBRARY, Tag } from '../../support/library.js';

@Controller('tags')
class TagsController {
  constructor(
    @Inject(MikroORM) private readonly orm: PostgreSqlMikroORM,
    @Inject(DeletionLog) private readonly log: DeletionLog,
  ) {}

  @Delete('flush/:id')
  @DeletionReason({ header: 'X-Why' })
  async flush(@Param('id') id: string) {
    const em = this.orm.em.fork();
    await em.remove(em.getReference(Tag, Number(id))).flush();
    return this.log.of(Tag, Number(id));
  }

  @Delete('repository/:id')
  @DeletionReason()
  async repository(@Param('id') id: string) {
    await (this.orm.em.fork().getRepository(Tag) as unknown as SoftDeleteRepository<Tag>).softDelete(Number(id));
    return this.log.of(Tag, Number(id));
  }
}

describe('records in a Nest application', () => {
  let database: TestDatabase;
  let app: INestApplication;
  let url: string;

  beforeAll(async () => {
    database = await createTestDatabase();
    const orm = (contextName?: string) =>
      MikroOrmModule.forRoot({
        driver: PostgreSqlDriver,
        clientUrl: database.url,
        entities: [...LIBRARY, ...complianceEntities()],
        registerRequestContext: contextName === undefined,
        ...(contextName ? { contextName } : {}),
      });
    const module = await Test.createTestingModule({
      imports: [
        orm(),
        orm('second'),
        SoftDeleteModule.forRoot({ actor: () => 'ada', log: { reason: 'required' } }),
        SoftDeleteModule.forRoot({ contextName: 'second' }),
      ],
      controllers: [TagsController],
    }).compile();
    app = module.createNestApplication({ logger: false });
    await app.listen(0, '127.0.0.1');
    url = await app.getUrl();
    await app.get<PostgreSqlMikroORM>(MikroORM as never).schema.create();
    await database.query(`insert into tag (name) values ('a'), ('b'), ('c'), ('d')`);
  });
  afterAll(async () => {
    await app.close();
    await database.drop();
  });

  const remove = async (path: string, headers: Record<string, string> = {}) => {
    const response = await fetch(`${url}/tags/${path}`, { method: 'DELETE', headers });
    return { status: response.status, body: (await response.json()) as any };
  };

  it('take the reason of what a request deletes from its header, through both doors', async () => {
    expect((await remove('flush/1', { 'x-why': 'spam' })).body).toMatchObject([{ reason: 'spam', actor: 'ada' }]);
    expect((await remove('repository/2', { 'x-deletion-reason': 'M%C3%BCll' })).body).toMatchObject([
      { reason: 'Müll' },
    ]);
  });

  it('refuse a request without one where it is required', async () => {
    expect((await remove('flush/3')).status).toBe(500);
    expect((await remove('repository/3', { 'x-deletion-reason': ' ' })).status).toBe(500);
    expect(await database.query('select deleted_at from tag where id = 3')).toEqual([{ deleted_at: null }]);
  });

  it('are injectable for every context', async () => {
    const second: DeletionLog = app.get(getDeletionLogToken('second'));
    expect(second).not.toBe(app.get(DeletionLog));
    expect(await second.find({ entity: Tag })).toHaveLength(2);
    expect(getDeletionLogToken()).toBe(DeletionLog);
  });

  it('refuse options of the decorator that nobody reads', () => {
    expect(() => DeletionReason({ headers: 'x' } as never)).toThrow('headers');
  });
});
