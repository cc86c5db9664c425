import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { commands, readmeCommands } from '../support/readme.js';
import { newDataFolder, removeDataFolder, root, Shop } from './shop.js';

const run = promisify(execFile);

describe('The sample app', () => {
  let dataFolder: string;
  let shop: Shop;

  beforeAll(async () => {
    dataFolder = await newDataFolder();
    shop = await Shop.open({ dataFolder });
  });

  afterAll(async () => {
    await shop?.close();
    await removeDataFolder(dataFolder);
  });

  describe('with the commands of the README', () => {
    let home: string;
    let results: { command: string; status: number; body: any }[];

    beforeAll(async () => {
      // The README says port 3000, the tests use a free one: curl is told so behind the commands' back.
      home = await mkdtemp(join(tmpdir(), 'soft-delete-curl-'));
      await writeFile(
        join(home, '.curlrc'),
        `silent\nconnect-to = "localhost:3000:localhost:${shop.port}"\nwrite-out = "\\n%{http_code}"\n`,
      );
      results = [];
      for (const command of readmeCommands('### Try it').filter((line) => line.startsWith('curl'))) {
        const [, body, status] = /^([\s\S]*)\n(\d+)$/.exec(await curl(command))!;
        results.push({ command, status: Number(status), body: JSON.parse(body!) });
      }
    });

    async function curl(command: string): Promise<string> {
      const { stdout } = await run('bash', ['-c', command], {
        env: { PATH: process.env['PATH'], CURL_HOME: home, ADMIN_API_KEY: 'the-key-of-the-tests' },
      });
      return stdout;
    }

    afterAll(async () => {
      await rm(home, { recursive: true, force: true });
    });

    it('deletes, lists, registers again, refuses to restore, restores, previews a purge, plans an erasure and holds it', () => {
      expect(results.map(({ status, body }) => [status, body])).toEqual([
        [200, { deletedAt: expect.any(String), affected: { Customer: 1, Review: 2 }, total: 3 }],
        [200, [expect.objectContaining({ id: 2 }), expect.objectContaining({ id: 3 })]],
        [
          200,
          [1, 2, 3, 4, 5].map((id) =>
            expect.objectContaining(id === 2 || id === 3 ? { id } : { id, deletedAt: expect.any(String) }),
          ),
        ],
        [200, expect.objectContaining({ id: 1, customer: 'Ada Lovelace', customerDeletedAt: expect.any(String) })],
        [
          200,
          {
            orders: 3,
            totalInCents: 15_950,
            byCustomer: { 'ada@example.com': 5_500, 'barbara@example.com': 4_800, 'grace@example.com': 5_650 },
          },
        ],
        [201, expect.objectContaining({ id: 6, email: 'ada@example.com', name: 'Ada again' })],
        [
          409,
          {
            title: 'Conflict',
            status: 409,
            code: 'RESTORE_CONFLICT',
            detail: expect.stringContaining('email'),
            conflicts: [
              expect.objectContaining({
                reason: 'unique',
                entity: 'Customer',
                key: 1,
                properties: ['email'],
                conflictingKey: 6,
              }),
            ],
          },
        ],
        [200, expect.objectContaining({ affected: { Customer: 1 }, total: 1 })],
        [200, { affected: { Customer: 1, Review: 2 }, total: 3 }],
        [200, expect.objectContaining({ dryRun: true, outcome: 'completed', total: 2 })],
        [
          201,
          {
            state: 'requested',
            requestedAt: expect.any(String),
            notBefore: expect.any(String),
            dueAt: expect.any(String),
            isOverdue: false,
            deleted: { PageView: 2, Review: 1 },
            overwritten: { Customer: 1 },
            kept: [{ entity: 'Order', id: 2, ground: '§147 AO', until: expect.any(String) }],
            held: [],
          },
        ],
        [201, expect.objectContaining({ id: 1, name: 'Dispute 17', reason: 'The teapot arrived in pieces' })],
        [
          200,
          expect.objectContaining({
            state: 'requested',
            deleted: {},
            overwritten: {},
            kept: [],
            held: [
              ['Customer', 2],
              ['Order', 2],
              ['PageView', 2],
              ['PageView', 3],
              ['Review', 3],
            ].map(([entity, id]) => ({ entity, id, hold: 'Dispute 17' })),
          }),
        ],
      ]);
    });

    it('names what a purge would remove and what holds the rest back', () => {
      const { entities } = results.find(({ command }) => command.includes('/admin/purge'))!.body;
      const counts = Object.fromEntries(
        entities.map(({ entity, purged, blocked }: any) => [entity, { purged, blocked }]),
      );
      expect(counts).toMatchObject({ Customer: { purged: 1, blocked: 1 }, Review: { purged: 1, blocked: 0 } });
    });

    it('leaves the rows as the commands say', async () => {
      expect(
        await shop.query('select id, email, deleted_at is not null as deleted from customers order by id'),
      ).toEqual([
        { id: 1, email: 'ada@example.com', deleted: false },
        { id: 2, email: 'grace@example.com', deleted: false },
        { id: 3, email: 'linus@example.com', deleted: false },
        { id: 4, email: 'edsger@example.com', deleted: true },
        { id: 5, email: 'barbara@example.com', deleted: true },
        { id: 6, email: 'ada@example.com', deleted: true },
      ]);
    });

    it('has noted one request and one hold, and erased nothing', async () => {
      expect(
        await shop.query(
          `select entity, key, due_at = (requested_at at time zone 'UTC' + interval '1 month') at time zone 'UTC' as in_a_month, outcome from erasure`,
        ),
      ).toEqual([{ entity: 'Customer', key: ['2'], in_a_month: true, outcome: null }]);
      expect(await shop.query('select name, placed_by, released_at from legal_hold')).toEqual([
        { name: 'Dispute 17', placed_by: 'admin', released_at: null },
      ]);
      expect(await shop.query('select count(*)::int from page_views where customer_id = 2')).toEqual([{ count: 2 }]);
    });

    it('work a second time', async () => {
      const statuses: number[] = [];
      for (const { command } of results) {
        statuses.push(Number(/(\d+)$/.exec(await curl(command))![1]));
      }
      expect(statuses).toEqual(results.map(({ status }) => status));
    });

    it('are the ones the app prints when it is open', () => {
      const printed = commands(shop.output.replaceAll(shop.address, 'http://localhost:3000')).filter((line) =>
        line.startsWith('curl'),
      );
      expect(printed.map(withoutComment)).toEqual(results.map(({ command }) => withoutComment(command)));
    });
  });

  describe('behind its doors', () => {
    it('lets nobody without the key in', async () => {
      for (const [method, path] of [
        ['GET', '/admin/customers?deleted=only'],
        ['POST', '/admin/customers/4/restore'],
        ['DELETE', '/admin/orders/1'],
        ['POST', '/admin/purge'],
      ] as const) {
        expect((await shop.request(method, path, { key: 'guessed' })).status).toBe(401);
      }
    });

    it('does not show deleted rows to the public, whatever the query says', async () => {
      const { body } = await shop.request('GET', '/customers?deleted=with&withDeleted=true');
      expect(body.map(({ id }: any) => id)).toEqual([1, 2, 3]);
    });

    it('deletes and restores an order, and shows it deleted where the route allows it', async () => {
      expect((await shop.request('DELETE', '/admin/orders/2')).body).toMatchObject({
        affected: { Order: 1 },
        total: 1,
      });
      expect((await shop.request('GET', '/orders/2')).status).toBe(404);
      const active = await shop.request('GET', '/admin/orders');
      expect(active.body.map(({ id }: any) => id)).toEqual([1, 3]);
      const all = await shop.request('GET', '/admin/orders?withDeleted=true');
      expect(all.body).toEqual([
        expect.objectContaining({ id: 1 }),
        expect.objectContaining({ id: 2, deletedAt: expect.any(String), lines: [{}, {}].map(() => expect.anything()) }),
        expect.objectContaining({ id: 3, customerDeletedAt: expect.any(String) }),
      ]);
      expect((await shop.request('GET', '/admin/orders?withDeleted=yes')).status).toBe(400);
      expect((await shop.request('POST', '/admin/orders/2/restore')).body).toMatchObject({ affected: { Order: 1 } });
      expect((await shop.request('GET', '/orders/2')).status).toBe(200);
    });

    it('refuses to delete a product that somebody ordered, and deletes one that nobody did with its reviews', async () => {
      expect(await shop.request('DELETE', '/admin/products/3')).toMatchObject({
        status: 409,
        body: {
          code: 'DELETION_RESTRICTED',
          restrictions: [{ relation: 'Product.orderLines', entity: 'OrderLine', count: 3 }],
        },
      });
      expect((await shop.request('DELETE', '/admin/products/4')).body).toMatchObject({
        affected: { Product: 1, Review: 1 },
      });
      expect((await shop.request('POST', '/admin/products/4/restore')).body).toMatchObject({
        affected: { Product: 1, Review: 1 },
      });
    });

    it('takes a second review only after the first is deleted', async () => {
      const body = { customerId: 2, rating: 3, text: 'On second thought.' };
      expect((await shop.request('POST', '/products/2/reviews', { body })).status).toBe(409);
      expect((await shop.request('DELETE', '/reviews/3')).body).toMatchObject({ affected: { Review: 1 } });
      expect((await shop.request('POST', '/products/2/reviews', { body })).status).toBe(201);
      expect((await shop.request('GET', '/products/2/reviews')).body).toEqual([
        expect.objectContaining({ author: 'Grace Hopper', text: 'On second thought.' }),
      ]);
    });

    it('answers for the erasure of nobody with 404, and lets nobody without the key place or release a hold', async () => {
      expect((await shop.request('POST', '/customers/4711/erasure')).status).toBe(404);
      expect((await shop.request('GET', '/customers/3/erasure')).status).toBe(404);
      const body = { name: 'Dispute 18', reason: 'None' };
      expect((await shop.request('POST', '/admin/customers/4711/holds', { body })).status).toBe(404);
      expect((await shop.request('DELETE', '/admin/customers/3/holds/1')).status).toBe(404);
      for (const [method, path] of [
        ['POST', '/admin/customers/3/holds'],
        ['DELETE', '/admin/customers/2/holds/1'],
        ['DELETE', '/admin/page-views?before=2100-01-01'],
      ] as const) {
        expect((await shop.request(method, path, { key: 'guessed', ...(method === 'POST' && { body }) })).status).toBe(
          401,
        );
      }
    });

    it('takes back an erasure that nothing was done for yet, once, and can be asked for another one', async () => {
      const path = '/customers/3/erasure';
      const [{ name }] = await shop.query('select name from customers where id = 3');
      expect((await shop.request('DELETE', path)).status).toBe(404);
      expect((await shop.request('DELETE', '/customers/one/erasure')).status).toBe(400);
      expect((await shop.request('POST', path)).body).toMatchObject({ state: 'requested' });
      expect(await shop.request('DELETE', path)).toMatchObject({
        status: 200,
        body: { state: 'withdrawn', overwritten: { Customer: 1 } },
      });
      expect(await shop.query(`select withdrawn_at is not null as done from erasure where key = '["3"]'`)).toEqual([
        { done: true },
      ]);
      expect((await shop.request('GET', path)).body).toMatchObject({ state: 'withdrawn' });
      expect(await shop.request('DELETE', path)).toMatchObject({
        status: 409,
        body: { message: `The erasure of customer 3 is withdrawn.` },
      });
      expect((await shop.request('POST', path)).body).toMatchObject({ state: 'requested' });
      expect((await shop.request('DELETE', path)).status).toBe(200);
      expect(await shop.query('select name from customers where id = 3')).toEqual([{ name }]);
    });

    it('releases a hold, after which the erasure has nothing in its way but the tax office', async () => {
      const body = { name: 'Dispute 3', reason: 'A spoon is bent' };
      const { body: hold } = await shop.request('POST', '/admin/customers/3/holds', { body });
      expect((await shop.request('GET', '/admin/customers/3/holds')).body).toEqual([hold]);
      await shop.request('POST', '/customers/3/erasure');
      expect((await shop.request('GET', '/customers/3/erasure')).body.held).toContainEqual({
        entity: 'Customer',
        id: 3,
        hold: 'Dispute 3',
      });
      expect((await shop.request('DELETE', `/admin/customers/3/holds/${hold.id}`)).status).toBe(200);
      expect((await shop.request('GET', '/customers/3/erasure')).body).toMatchObject({
        deleted: { Review: 1 },
        overwritten: { Customer: 1 },
        held: [],
      });
    });

    it('notes who looks at a product, and sweeps the notes into the archive', async () => {
      await shop.request('GET', '/products/1?ad=Winter%20sale');
      expect(await shop.query(`select product_id, customer_id from page_views where ad = 'Winter sale'`)).toEqual([
        { product_id: 1, customer_id: null },
      ]);
      const [{ count }] = await shop.query('select count(*)::int from page_views');
      expect((await shop.request('DELETE', '/admin/page-views?before=soon')).status).toBe(400);
      expect((await shop.request('DELETE', '/admin/page-views?before=2100-01-01')).body).toMatchObject({
        affected: { PageView: count },
      });
      expect(await shop.query('select from page_views')).toEqual([]);
      expect(
        await shop.query(`select count(*)::int from deletion_archive where data ->> 'ad' = 'Winter sale'`),
      ).toEqual([{ count: 1 }]);
    });

    it('places an order', async () => {
      const body = { customerId: 3, lines: [{ productId: 4, quantity: 2 }] };
      expect(await shop.request('POST', '/orders', { body })).toMatchObject({
        status: 201,
        body: { customer: 'Linus Torvalds', lines: [{ product: 'Spoon', quantity: 2, unitPriceInCents: 350 }] },
      });
    });

    it('answers a bad request with 400, an unknown id with 404, a taken email with 409', async () => {
      const register = (body: unknown) => shop.request('POST', '/customers', { body });
      expect((await register({ email: 'nobody', name: 'Nobody' })).status).toBe(400);
      expect((await register({ email: 'a@example.com' })).status).toBe(400);
      expect((await register({ email: 'a@example.com', name: 'A', deletedAt: null })).status).toBe(400);
      expect((await register({ email: 'a@example.com', name: 'A\u0000' })).status).toBe(400);
      expect((await register({ email: 'GRACE@example.com', name: 'Grace' })).status).toBe(409);
      expect((await shop.request('GET', '/customers/x')).status).toBe(400);
      expect((await shop.request('GET', '/customers/99999999999')).status).toBe(400);
      expect((await shop.request('GET', '/customers/4')).status).toBe(404);
      expect((await shop.request('DELETE', '/customers/4711')).status).toBe(404);
      expect((await shop.request('POST', '/admin/customers/4711/restore')).status).toBe(404);
      expect((await shop.request('GET', '/admin/customers?deleted=all')).status).toBe(400);
    });

    it('tells how it is, and what it can do', async () => {
      expect((await shop.request('GET', '/health')).body).toMatchObject({
        status: 'ok',
        info: { database: { status: 'up' }, purge: { status: 'up' } },
      });
      expect(
        await fetch(shop.address, { redirect: 'manual' }).then(({ status, headers }) => [
          status,
          headers.get('location'),
        ]),
      ).toEqual([302, '/docs']);
      expect((await shop.request('GET', '/docs')).body).toContain('swagger-ui');
      const { body } = await shop.request('GET', '/docs-json');
      expect(Object.keys(body.paths)).toEqual(
        expect.arrayContaining([
          '/customers/{id}',
          '/customers/{id}/erasure',
          '/admin/customers/{id}/holds',
          '/admin/customers/{id}/restore',
          '/admin/purge',
          '/health',
        ]),
      );
      const answers = ({ responses }: { responses: object }) => Object.keys(responses);
      expect(answers(body.paths['/admin/customers/{id}/restore'].post)).toEqual(['200', '400', '401', '404', '409']);
      expect(answers(body.paths['/customers/{id}'].get)).toEqual(['200', '400', '404']);
      expect(answers(body.paths['/customers'].delete)).toEqual(['200', '400', '404', '409']);
      const typeOf = ({ content }: { content: object }) =>
        Object.entries(content).map(([type, { schema }]) => [type, schema.$ref.split('/').pop()])[0];
      const { 200: restored, ...refused } = body.paths['/admin/customers/{id}/restore'].post.responses;
      expect([restored, ...Object.values<any>(refused)].map(typeOf)).toEqual([
        ['application/json', 'RestoreResultDto'],
        ['application/json', 'RefusedRequestDto'],
        ['application/json', 'RefusedRequestDto'],
        ['application/problem+json', 'SoftDeleteProblemDto'],
        ['application/problem+json', 'SoftDeleteProblemDto'],
      ]);
      expect(typeOf(body.paths['/customers/{id}'].delete.responses[200])).toEqual([
        'application/json',
        'DeletionResultDto',
      ]);
      expect(typeOf(body.paths['/customers'].post.responses[409])).toEqual([
        'application/problem+json',
        'RefusedValueDto',
      ]);
      expect(answers(body.paths['/customers/{id}/erasure'].post)).toEqual(['201', '400', '404']);
      expect(answers(body.paths['/customers/{id}/erasure'].delete)).toEqual(['200', '400', '404', '409']);
      expect(typeOf(body.paths['/customers/{id}/erasure'].delete.responses[200])).toEqual([
        'application/json',
        'ErasureDto',
      ]);
      expect(typeOf(body.paths['/customers/{id}/erasure'].post.responses[201])).toEqual([
        'application/json',
        'ErasureDto',
      ]);
      expect(Object.keys(body.components.schemas.RestoreConflictDto.properties)).toContain('conflictingKey');
      expect(body.paths['/admin/customers'].get.parameters).toMatchObject([{ name: 'deleted', in: 'query' }]);
      expect(body.paths['/admin/orders'].get.parameters).toMatchObject([{ name: 'withDeleted', in: 'query' }]);
      expect(body.paths['/customers'].post.requestBody.content['application/json'].schema).toEqual({
        $ref: '#/components/schemas/RegisterCustomerDto',
      });
      expect(Object.keys(body.components.schemas.RegisterCustomerDto.properties)).toEqual(['name', 'email']);
    });

    it('logs each request in a line', async () => {
      await shop.request('GET', '/products/1');
      await expect(shop.untilPrinted(/HTTP\S* \S*GET \/products\/1 200 [\d.]+ ms/)).resolves.toBeUndefined();
    });
  });

  describe('for the command lines', () => {
    it('has migrations that match its entities', async () => {
      const cli = join(root, 'node_modules/@mikro-orm/cli/cli.js');
      const { stdout } = await run(process.execPath, [cli, 'migration:check'], {
        cwd: root,
        env: { PATH: process.env['PATH'], DATA_FOLDER: dataFolder },
      });
      expect(stdout).toContain('No changes required');
    });

    it("has a configuration that the package's own finds", () => {
      const { stdout, status } = spawnSync(process.execPath, [join(root, 'dist/cli/main.js'), 'status'], {
        cwd: root,
        encoding: 'utf8',
        env: { PATH: process.env['PATH'], DATA_FOLDER: dataFolder },
      });
      expect(stdout).toMatch(/^Customer +30 days +4 +2 +1 /m);
      expect(status).toBe(2);
    });
  });

  it('removes for good what is past its retention', async () => {
    const { status, body } = await shop.request('POST', '/admin/purge');
    expect([status, body]).toEqual([200, expect.objectContaining({ dryRun: false, outcome: 'completed', total: 2 })]);
    expect(await shop.query('select id from customers order by id')).toEqual([1, 2, 3, 5, 6, 7].map((id) => ({ id })));
    expect(await shop.query('select count(*)::int from reviews where customer_id = 4')).toEqual([{ count: 0 }]);
  });

  it('tells Prometheus what the purge has done, and how far behind it is', async () => {
    const { status, body } = await shop.request('GET', '/metrics');
    expect(status).toBe(200);
    expect(body).toMatch(/^soft_delete_purge_rows_total\{.*soft_delete_entity="Customer".*\} 1$/m);
    expect(body).toMatch(/^soft_delete_purge_blocked\{.*soft_delete_entity="Customer".*\} 1$/m);
    expect(body).toMatch(/^soft_delete_purge_overdue_time\{.*soft_delete_entity="Customer".*\} \d+/m);
    expect(body).toMatch(/^soft_delete_purge_run_duration_count\{.*soft_delete_purge_outcome="completed".*\} 1$/m);
  });
});

function withoutComment(command: string): string {
  return command.replace(/\s+#.*$/m, '').replace(/\s+/g, ' ');
}
