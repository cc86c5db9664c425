import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { jest } from '@jest/globals';
import { MikroORM, PostgreSqlDriver, RequestContext } from '@mikro-orm/postgresql';
import { MikroOrmModule } from '@mikro-orm/nestjs';
import { ApolloDriver } from '@nestjs/apollo';
import { type DynamicModule, type INestApplication, Logger, type Type } from '@nestjs/common';
import { EventEmitterModule } from '@nestjs/event-emitter';
import { GraphQLModule } from '@nestjs/graphql';
import { MercuriusDriver } from '@nestjs/mercurius';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import {
  getSoftDeleteRepositoryToken,
  PurgeService,
  SoftDeleteModule,
  type SoftDeleteRepository,
} from 'nestjs-mikro-orm-soft-delete';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';
import { snippetBelow } from '../../support/snippets.js';

/** The recipes as they stand in the documentation, in applications with the packages that they name. */
describe('Recipes', () => {
  const folder = mkdtempSync(join(fileURLToPath(new URL('.', import.meta.url)), '.recipes-'));
  let database: TestDatabase;
  let running: INestApplication | undefined;
  let people: { User: Type<any>; UsersResolver: Type<unknown> };

  async function load(heading: string): Promise<any> {
    const file = join(folder, `${heading.replaceAll(/\W+/g, '-')}.ts`);
    writeFileSync(file, snippetBelow('docs/recipes.md', heading));
    return import(file);
  }

  async function start(
    adapter: object,
    imports: (DynamicModule | Promise<DynamicModule>)[],
    providers: Type<unknown>[],
  ) {
    const module = await Test.createTestingModule({
      imports: [
        MikroOrmModule.forRoot({ driver: PostgreSqlDriver, clientUrl: database.url, entities: [people.User] }),
        SoftDeleteModule.forRoot({ purge: { retention: '1d' } }),
        SoftDeleteModule.forFeature([people.User]),
        ...imports,
      ],
      providers,
    }).compile();
    running = module.createNestApplication(adapter as never, { logger: false });
    await running.listen(0, '127.0.0.1');
    return { app: running };
  }

  beforeAll(async () => {
    people = await load('## GraphQL');
    database = await createTestDatabase();
  });
  beforeEach(() =>
    database.query(`
      drop table if exists "user";
      create table "user" (id serial primary key, name text not null, deleted_at timestamptz);
      insert into "user" (name, deleted_at) values ('Ada', null), ('Bob', now() - interval '2 days')`),
  );
  afterEach(async () => {
    await running?.close();
    running = undefined;
  });
  afterAll(async () => {
    rmSync(folder, { recursive: true });
    await database.drop();
  });

  it.each([
    ['Apollo', ApolloDriver, () => new ExpressAdapter()],
    ['Mercurius', MercuriusDriver, () => new FastifyAdapter()],
  ])('show deleted rows in GraphQL when the query asks for them: %s', async (_name, driver, adapter) => {
    const graphql = GraphQLModule.forRoot({ driver, autoSchemaFile: true } as never);
    const { app } = await start(adapter(), [graphql], [people.UsersResolver]);
    const answer = await fetch(`${await app.getUrl()}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        query: `{
          active: users { name }
          all: users(withDeleted: true) { name isDeleted }
          countUsers
          deleted: countUsers(deleted: "only")
        }`,
      }),
    });
    expect(await answer.json()).toEqual({
      data: {
        active: [{ name: 'Ada' }],
        all: [
          { name: 'Ada', isDeleted: false },
          { name: 'Bob', isDeleted: true },
        ],
        countUsers: 1,
        deleted: 1,
      },
    });
  });

  it('pass events on to listeners of @nestjs/event-emitter', async () => {
    const { EventBridge, SearchIndex } = await load('## Events for `@nestjs/event-emitter`');
    const logged = jest.spyOn(Logger, 'log').mockImplementation(() => undefined);
    const { app } = await start(new ExpressAdapter(), [EventEmitterModule.forRoot()], [EventBridge, SearchIndex]);
    const users: SoftDeleteRepository<any> = app.get(getSoftDeleteRepositoryToken(people.User));
    await RequestContext.create(app.get(MikroORM).em, () => users.softDelete(1));
    await app.get(PurgeService).run();
    const said = logged.mock.calls.map(([text]) => text);
    logged.mockRestore();
    expect(said).toEqual(['Remove 1 from the index.', 'Remove 2 from the index.']);
    expect(await database.query('select id from "user"')).toEqual([{ id: 1 }]);
  });

  it('replace the repository in a unit test', async () => {
    // It throws if nobody was deleted.
    await expect(load('## Unit tests without a database')).resolves.toBeDefined();
  });
});
