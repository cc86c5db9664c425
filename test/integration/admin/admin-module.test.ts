import { jest } from '@jest/globals';
import { MikroOrmModule } from '@mikro-orm/nestjs';
import { defineEntity, type EntityName, MikroORM, p, PostgreSqlDriver } from '@mikro-orm/postgresql';
import {
  type ExecutionContext,
  Global,
  type INestApplication,
  Injectable,
  Logger,
  Module,
  VersioningType,
} from '@nestjs/common';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { Test } from '@nestjs/testing';
import {
  softDeletable,
  SoftDeleteConfigError,
  SoftDeleteModule,
  SoftDeleteRepository,
} from 'nestjs-mikro-orm-soft-delete';
import {
  type AdminAction,
  SoftDeleteAdminModule,
  type SoftDeleteAdminOptions,
} from 'nestjs-mikro-orm-soft-delete/admin';
import { complianceEntities } from 'nestjs-mikro-orm-soft-delete/compliance';
import { buildAdminPage } from '../../support/build-admin-page.js';
import { createTestDatabase } from '../../support/database.js';
import { Offer, Product, SHOP } from '../archive/archive.entities.js';
import { AdminApp, KeyGuard, KeysModule, platforms } from './admin-app.js';
import { Customer, OFFICES, Order, Seat } from './offices.js';

beforeAll(() => buildAdminPage());

describe.each(platforms)(`${SoftDeleteAdminModule.name} on %s`, (_name, adapter) => {
  let app: AdminApp;

  afterEach(async () => {
    await app.close();
  });

  const assets = (html: string) => [...html.matchAll(/(?:href|src)="([^"]+)"/g)].map(([, address]) => address!);
  const anonymous = { headers: { 'x-key': '' } };

  it("protects the page, its files and the API by the application's guard", async () => {
    app = await AdminApp.start(adapter);
    const page = await app.ask('admin/deleted');
    expect(page.status).toBe(200);
    const files = assets(page.text);
    expect(files).toHaveLength(3);
    for (const path of ['', '/api/entities', ...files.map((file) => file.replace('./deleted', ''))]) {
      expect([path, (await app.ask(`admin/deleted${path}`)).status]).toEqual([path, 200]);
      expect([path, (await app.ask(`admin/deleted${path}`, anonymous)).status]).toEqual([path, 401]);
    }
    const restore = {
      method: 'POST',
      body: '{"keys":["1"]}',
      headers: { 'content-type': 'application/json', 'x-key': '' },
    };
    expect((await app.ask('admin/deleted/api/entities/Customer/restore', restore)).status).toBe(401);
  });

  it('sends the page with a strict policy, and files that may be kept', async () => {
    app = await AdminApp.start(adapter);
    const { headers, text } = await app.ask('admin/deleted');
    expect(headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(headers.get('content-security-policy')).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    );
    expect(headers.get('cache-control')).toBe('no-store');
    expect(text).not.toMatch(/<script>|<style|style=|https?:/);
    const types = await Promise.all(
      assets(text).map(async (file) => {
        const asset = await app.ask(`admin/${file}`);
        expect(asset.headers.get('cache-control')).toContain('immutable');
        expect(asset.headers.get('x-content-type-options')).toBe('nosniff');
        return asset.headers.get('content-type');
      }),
    );
    expect(types).toEqual([
      'image/svg+xml; charset=utf-8',
      'text/css; charset=utf-8',
      'text/javascript; charset=utf-8',
    ]);
    expect((await app.ask('admin/deleted/assets/..%2F..%2Findex.js')).status).toBe(404);
    expect((await app.ask('admin/deleted/assets/page.js')).status).toBe(404);
  });

  it.each(['bearer', { header: 'x-key' }] as const)(
    'lets the page through, which holds no data, where the key is %j',
    async (credentials) => {
      app = await AdminApp.start(adapter, { credentials });
      const page = await app.ask('admin/deleted', anonymous);
      expect(page.status).toBe(200);
      expect(page.text).toContain('credentials&#34;:');
      for (const file of assets(page.text)) {
        expect((await app.ask(`admin/${file}`, anonymous)).status).toBe(200);
      }
      expect((await app.ask('admin/deleted/api/entities', anonymous)).status).toBe(401);
    },
  );

  it('works below a global prefix', async () => {
    app = await AdminApp.start(adapter, { path: '/back/' }, 'v1');
    const page = await app.ask('v1/back');
    expect(page.status).toBe(200);
    for (const file of assets(page.text)) {
      expect((await app.ask(`v1/${file}`)).status).toBe(200);
    }
    expect((await app.ask('v1/back/api/entities')).status).toBe(200);
  });

  it.each([
    { type: VersioningType.URI, defaultVersion: '1' },
    { type: VersioningType.HEADER, header: 'x-version', defaultVersion: '1' },
    { type: VersioningType.MEDIA_TYPE, key: 'v=', defaultVersion: '1' },
  ] as const)('has no version where the application has versions: %j', async (versioning) => {
    app = await AdminApp.start(adapter, {}, 'v', (nest) => nest.enableVersioning(versioning));
    const page = await app.ask('v/admin/deleted');
    expect(page.status).toBe(200);
    for (const file of assets(page.text)) {
      expect((await app.ask(`v/admin/${file}`)).status).toBe(200);
    }
    expect((await app.ask('v/admin/deleted/api/entities')).status).toBe(200);
  });

  it('restores parents for those alone who may restore them', async () => {
    const may = new Set(['list Order', 'restore Order']);
    app = await AdminApp.start(adapter, {
      entities: [Order],
      can: (action, entity) => may.has(`${action} ${entity?.name}`),
    });
    await app.database.query(
      `insert into customer (name, email, deleted_at) values ('Bob', 'b', '2026-01-01');
       insert into "order" (customer_id, deleted_at) values (1, '2026-01-02')`,
    );
    for (const dryRun of [true, false]) {
      const both = await app.post('entities/Order/restore', { keys: ['1'], withParents: true, dryRun });
      expect([both.status, both.body.message]).toEqual([403, 'You may not restore rows of Customer.']);
    }
    expect(await app.database.query('select id from customer where deleted_at is null')).toEqual([]);
    expect((await app.post('entities/Order/restore', { keys: ['1'] })).status).toBe(409);
    may.add('restore Customer');
    expect((await app.post('entities/Order/restore', { keys: ['1'], withParents: true })).body.total).toBe(2);
  });

  it('restores archived parents for those alone who may restore them', async () => {
    const may = new Set(['list Offer', 'restore Offer']);
    app = await AdminApp.start(
      adapter,
      { entities: [Offer], can: (action, entity) => may.has(`${action} ${entity?.name}`) },
      '',
      undefined,
      { entities: [...SHOP, ...complianceEntities()] },
    );
    await app.database.query(
      `insert into shop (id, name) values (1, 'A'); insert into product (id, name, shop_id) values (1, 'Cup', 1);
       insert into offer (id, product_id) values (1, 1)`,
    );
    await new SoftDeleteRepository(app.app.get(MikroORM).em.fork(), Product).softDelete(1);
    const restore = (more: object) => app.post('entities/Offer/restore', { keys: ['1'], ...more });
    for (const dryRun of [true, false]) {
      const both = await restore({ withParents: true, dryRun });
      expect([both.status, both.body.message]).toEqual([403, 'You may not restore rows of Product.']);
    }
    expect(await app.database.query('select id from product')).toEqual([]);
    may.add('restore Product');
    expect((await restore({ withParents: true })).body.total).toBe(2);
  });

  it('has no page where none is wanted', async () => {
    app = await AdminApp.start(adapter, { ui: false });
    expect((await app.ask('admin/deleted')).status).toBe(404);
    expect((await app.get('entities')).status).toBe(200);
  });

  it('lets everybody do what they may, and tells nobody of what they may not see', async () => {
    const asked: [AdminAction, unknown][] = [];
    const may = new Set<string>();
    app = await AdminApp.start(adapter, {
      can: async (action, entity, context: ExecutionContext) => {
        asked.push([action, entity]);
        expect(context.switchToHttp().getRequest().headers['x-key']).toBe('the-key');
        return may.has(`${action} ${entity?.name ?? ''}`.trim());
      },
    });
    await app.database.query(
      `insert into customer (name, email, deleted_at) values ('Bob', 'b', now() - interval '40 days'), ('Ada', 'a', null)`,
    );
    expect((await app.get('entities')).body).toEqual([]);
    expect((await app.get('entities/Customer/rows')).status).toBe(404);
    expect((await app.post('entities/Customer/restore', { keys: ['1'] })).status).toBe(404);

    may.add('list Customer');
    const [customer, ...others] = (await app.get('entities')).body;
    expect(customer).toMatchObject({ entity: 'Customer', deleted: 1, due: 1, blocked: null, can: ['list'] });
    expect(others).toEqual([]);
    expect((await app.get('entities/Customer/rows')).body.rows).toHaveLength(1);
    expect((await app.get('entities/Customer/rows/1')).status).toBe(403);
    for (const [action, path, body] of [
      ['restore', 'restore', { keys: ['1'] }],
      ['restore', 'restore', { keys: ['1'], dryRun: true }],
      ['restore', 'delete', { keys: ['2'] }],
      ['remove', 'remove', { keys: ['1'], confirm: '1' }],
      ['remove', 'remove', { keys: ['1'], dryRun: true }],
    ] as const) {
      expect([action, (await app.post(`entities/Customer/${path}`, body)).status]).toEqual([action, 403]);
    }
    expect((await app.post('purge', { dryRun: true })).status).toBe(403);
    expect((await app.post('purge', { confirm: '1' })).status).toBe(403);
    expect(await app.database.query('select id from customer where deleted_at is not null')).toEqual([{ id: 1 }]);

    may.add('purge').add('restore Customer');
    expect((await app.get('entities')).body[0]).toMatchObject({ blocked: 0, can: ['list', 'restore', 'purge'] });
    expect((await app.post('entities/Customer/restore', { keys: ['1'] })).status).toBe(200);
    expect(asked).toContainEqual(['purge', undefined]);
    expect(asked).toContainEqual(['restore', Customer]);
  });

  it('shows all marked entities, called by what they have, unless some are chosen', async () => {
    app = await AdminApp.start(adapter);
    await app.database.query(
      `insert into customer (name, email, deleted_at) values ('Bob', 'bob@x', now());
       insert into seat (room, place, deleted_at) values ('a', 1, now())`,
    );
    const { body } = await app.get('entities');
    expect(body.map(({ entity, columns, searchable }: any) => [entity, columns, searchable])).toEqual([
      ['Customer', ['email', 'tenant', 'points'], true],
      ['Order', [], false],
      ['Seat', [], true],
      ['Secret', [], true],
    ]);
    expect((await app.get('entities/Customer/rows')).body.rows[0].label).toBe('Bob');
    expect((await app.get('entities/Seat/rows?q=A')).body.rows[0].label).toBe('Seat ["a",1]');
  });

  it('describes its routes to OpenAPI', async () => {
    app = await AdminApp.start(adapter);
    const { paths } = SwaggerModule.createDocument(app.app as INestApplication, new DocumentBuilder().build());
    expect(Object.keys(paths)).toEqual(
      expect.arrayContaining([
        '/admin/deleted',
        '/admin/deleted/api/entities/{entity}/rows',
        '/admin/deleted/api/entities/{entity}/restore',
      ]),
    );
    const { parameters } = paths['/admin/deleted/api/entities/{entity}/rows']!.get!;
    expect(parameters!.map((parameter) => [(parameter as any).name, (parameter as any).required])).toEqual(
      expect.arrayContaining([
        ['entity', true],
        ['q', false],
        ['from', false],
        ['to', false],
        ['sort', false],
        ['after', false],
        ['limit', false],
      ]),
    );
  });
});

describe(SoftDeleteAdminModule.name, () => {
  const valid: SoftDeleteAdminOptions = { path: 'admin/deleted', guards: [KeyGuard] };

  it.each([
    ['guards', { path: 'admin' }],
    ['guards', { path: 'admin', guards: [] }],
    ['guards', { path: 'admin', guards: 'nobody' }],
    ['guards', { path: 'admin', guards: [undefined] }],
    ['path', { guards: [KeyGuard] }],
    ['path', { ...valid, path: '' }],
    ['path', { ...valid, path: 'admin/:id' }],
    ['guard', { ...valid, guard: [KeyGuard] }],
    ['credentials', { ...valid, credentials: 'basic' }],
    ['credentials', { ...valid, credentials: { header: 'no header' } }],
    ['ui', { ...valid, ui: 'no' }],
    ['can', { ...valid, can: true }],
    ['locale', { ...valid, locale: { restorre: 'x' } }],
    ['entities[0]', { ...valid, entities: [undefined] }],
    ['entities[0]', { ...valid, entities: [null] }],
    ['entities[0]', { ...valid, entities: ['Customer'] }],
    ['entities[0]', { ...valid, entities: [{ entity: Customer, column: ['name'] }] }],
  ])('refuses wrong %s at once', (option, options) => {
    expect(() => SoftDeleteAdminModule.forRoot(options as never)).toThrow(SoftDeleteConfigError);
    expect(() => SoftDeleteAdminModule.forRoot(options as never)).toThrow(option);
  });

  it.each([
    [{ entity: Customer, columns: ['password'] }, /"password" is not a property that may be shown/],
    [{ entity: Customer, columns: ['notes'] }, /"notes" is not a property that may be shown/],
    [{ entity: Customer, columns: ['orders'] }, /"orders" is not a property that may be shown/],
    [{ entity: Customer, search: ['password'] }, /"password" is not a property that may be shown/],
    [{ entity: Customer, search: ['points'] }, /"points" is not text/],
  ])('refuses at start-up to show %j', async (entity, message) => {
    await expect(start({ ...valid, imports: [KeysModule], entities: [entity] as never })).rejects.toThrow(message);
  });

  it('refuses at start-up an entity that is listed twice', async () => {
    await expect(start({ ...valid, imports: [KeysModule], entities: [Seat, { entity: Seat }] })).rejects.toThrow(
      /Seat is listed twice/,
    );
  });

  it("shows entities of MikroORM's defineEntity(), with options or without", async () => {
    const define = (name: string) =>
      softDeletable(
        defineEntity({
          name,
          properties: { id: p.integer().primary(), title: p.text(), deletedAt: p.datetime().nullable() },
        }),
      );
    const [Book, Shelf] = [define('Book'), define('Shelf')];
    const admin = SoftDeleteAdminModule.forRoot({
      ...valid,
      imports: [KeysModule],
      entities: [Shelf, { entity: Book, label: ({ title }) => title, columns: ['title'] }],
    });
    const app = await startWith(admin, [Book, Shelf]);
    expect((await entitiesOf(app.address)).map(({ entity, columns }) => [entity, columns])).toEqual([
      ['Shelf', []],
      ['Book', ['title']],
    ]);
    await app.close();
  });

  it('says what is missing where soft deletion is not imported', async () => {
    await expect(
      Test.createTestingModule({
        imports: [SoftDeleteAdminModule.forRoot({ ...valid, imports: [KeysModule], guards: 'none' })],
      }).compile(),
    ).rejects.toThrow(/the application has no SoftDeleteModule.forRoot/);
  });

  it('warns where nothing protects it', () => {
    const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    SoftDeleteAdminModule.forRoot(valid);
    expect(warn).not.toHaveBeenCalled();
    SoftDeleteAdminModule.forRoot({ ...valid, guards: 'none' });
    expect(warn).toHaveBeenCalledWith(expect.stringMatching(/\/admin\/deleted .* no guard protects it/));
    warn.mockRestore();
  });

  it('takes options from a factory, and refuses what does not belong there', async () => {
    @Injectable()
    class Choice {
      readonly entities = [Order];
    }

    @Global()
    @Module({ providers: [Choice], exports: [Choice] })
    class ChoiceModule {}

    const module = (useFactory: (choice: Choice) => object) =>
      SoftDeleteAdminModule.forRootAsync({
        ...valid,
        imports: [KeysModule, ChoiceModule],
        inject: [Choice],
        useFactory,
      });
    const app = await startWith(module(({ entities }) => ({ entities })));
    try {
      const [order, ...others] = await entitiesOf(app.address);
      expect([order.entity, others]).toEqual(['Order', []]);
    } finally {
      await app.close();
    }
    await expect(startWith(module(() => ({ guards: 'none' })))).rejects.toThrow(/guards: there is no such option/);
    expect(() => SoftDeleteAdminModule.forRootAsync(valid)).toThrow(/nothing says where the options come from/);
  });

  it('serves an ORM with a name and without a request context', async () => {
    const database = await createTestDatabase();
    const setup = await MikroORM.init({ clientUrl: database.url, entities: OFFICES });
    await setup.schema.create();
    await setup.close();
    const module = await Test.createTestingModule({
      imports: [
        MikroOrmModule.forRoot({
          driver: PostgreSqlDriver,
          clientUrl: database.url,
          entities: OFFICES,
          contextName: 'crm',
          registerRequestContext: false,
        }),
        SoftDeleteModule.forRoot({ contextName: 'crm' }),
        SoftDeleteAdminModule.forRoot({ path: 'crm', guards: 'none', contextName: 'crm' }),
      ],
    })
      .setLogger(new Logger('quiet', { timestamp: false }))
      .compile();
    const app = module.createNestApplication();
    app.useLogger(false);
    await app.listen(0, '127.0.0.1');
    const address = `http://127.0.0.1:${(app.getHttpServer().address() as { port: number }).port}/crm/api/`;
    try {
      await database.query(`insert into seat (room, place, deleted_at) values ('a', 1, now())`);
      expect((await entitiesOf(address)).map(({ entity, deleted }: any) => [entity, deleted])).toContainEqual([
        'Seat',
        1,
      ]);
      const restored = await fetch(`${address}entities/Seat/restore`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-soft-delete-admin': '1' },
        body: JSON.stringify({ keys: ['["a",1]'] }),
      });
      expect(restored.status).toBe(200);
      expect(await database.query('select room from seat where deleted_at is null')).toEqual([{ room: 'a' }]);
    } finally {
      await app.close();
      await database.drop();
    }
  });

  function start(options: SoftDeleteAdminOptions) {
    return startWith(SoftDeleteAdminModule.forRoot(options));
  }

  async function startWith(
    admin: ReturnType<typeof SoftDeleteAdminModule.forRoot>,
    entities: readonly EntityName<any>[] = OFFICES,
  ) {
    const database = await createTestDatabase();
    const orm = await MikroORM.init({ clientUrl: database.url, entities: [...entities] });
    await orm.schema.create();
    await orm.close();
    try {
      const module = await Test.createTestingModule({
        imports: [
          MikroOrmModule.forRoot({ driver: PostgreSqlDriver, clientUrl: database.url, entities: [...entities] }),
          SoftDeleteModule.forRoot(),
          admin,
        ],
      }).compile();
      const app = module.createNestApplication({ logger: false });
      await app.listen(0, '127.0.0.1');
      return {
        address: `http://127.0.0.1:${(app.getHttpServer().address() as { port: number }).port}/admin/deleted/api/`,
        async close() {
          await app.close();
          await database.drop();
        },
      };
    } catch (error) {
      await database.drop();
      throw error;
    }
  }

  async function entitiesOf(address: string): Promise<any[]> {
    return (await (await fetch(`${address}entities`, { headers: { 'x-key': 'the-key' } })).json()) as any[];
  }
});
