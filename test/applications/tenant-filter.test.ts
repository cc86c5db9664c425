import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { Application } from './support/application.js';

describe('An application whose tenants share a database behind a filter', () => {
  let database: TestDatabase;
  let application: Application;

  beforeAll(async () => {
    database = await createTestDatabase();
    application = await Application.open('es-modules/dist/tenant-filter/main.js', { DATABASE_URL: database.url });
  });

  afterAll(async () => {
    await application?.close();
    await database?.drop();
  });

  // Both tenants have a project and tasks of the same names: north's ids are 1, south's 2 and 3.
  beforeEach(async () => {
    await database.query(
      `truncate project, task restart identity;
       insert into project (tenant, name) values ('north', 'Bridge'), ('south', 'Bridge'), ('south', 'Road');
       insert into task (tenant, title, project_id)
         values ('north', 'Plan', 1), ('north', 'Build', 1), ('south', 'Plan', 2), ('south', 'Plan', 3)`,
    );
  });

  const ask = (tenant: string | undefined, method: string, path: string, body?: unknown) =>
    application.request(method, path, { headers: tenant === undefined ? {} : { 'x-tenant': tenant }, body });

  const rows = async (condition = 'true') => {
    const [row] = await database.query(
      `select (select coalesce(array_agg(id order by id), '{}') from project where ${condition}) as projects,
              (select coalesce(array_agg(id order by id), '{}') from task where ${condition}) as tasks`,
    );
    return row;
  };
  const deleted = () => rows('deleted_at is not null');
  const nothing = { projects: [], tasks: [] };
  const all = { projects: [1, 2, 3], tasks: [1, 2, 3, 4] };

  it.each(['/projects/1', '/projects/1/entity', '/projects?task=Plan'])(
    'deletes by DELETE %s what is of the tenant, and restores it',
    async (path) => {
      expect((await ask('north', 'DELETE', path)).status).toBe(200);
      expect(await deleted()).toEqual({ projects: [1], tasks: [1, 2] });
      expect((await ask('north', 'GET', '/projects')).body).toEqual([]);
      expect((await ask('north', 'GET', '/projects?deleted=only')).body).toEqual([{ id: 1, tasks: [1, 2] }]);
      expect((await ask('north', 'POST', '/projects/1/restore')).body).toEqual({
        affected: { Project: 1, Task: 2 },
        total: 3,
      });
      expect(await deleted()).toEqual(nothing);
    },
  );

  it.each(['/projects/2', '/projects/2/entity', '/projects/2/for-good', '/projects?task=Pave'])(
    'does nothing by DELETE %s to what is of another',
    async (path) => {
      await database.query(`update task set title = 'Pave' where id = 3`);
      const { status, body } = await ask('north', 'DELETE', path);
      expect(status === 404 || body.total === 0).toBe(true);
      expect(await deleted()).toEqual(nothing);
      expect(await rows()).toEqual(all);
    },
  );

  it('bounds what nativeDelete() deletes without a condition', async () => {
    expect((await ask('south', 'DELETE', '/tasks')).body).toEqual({ total: 2 });
    expect(await deleted()).toEqual({ projects: [], tasks: [3, 4] });
  });

  it.each(['/projects/2/restore', '/restore?name=Bridge'])('restores by POST %s nothing of another', async (path) => {
    await ask('south', 'DELETE', '/projects/2');
    expect((await ask('north', 'POST', path)).body).toMatchObject({ total: 0 });
    expect(await deleted()).toEqual({ projects: [2], tasks: [3] });
  });

  it('shows each tenant its own, under every scope', async () => {
    await ask('south', 'DELETE', '/projects/3');
    const list = async (tenant: string, scope: string) =>
      (await ask(tenant, 'GET', `/projects?deleted=${scope}`)).body.map(({ id }: any) => id);
    expect(await list('north', 'with')).toEqual([1]);
    expect(await list('north', 'only')).toEqual([]);
    expect(await list('south', 'active')).toEqual([2]);
    expect(await list('south', 'with')).toEqual([2, 3]);
    expect(await list('south', 'only')).toEqual([3]);
  });

  it('restores by name the deleted row of the tenant, else creates one', async () => {
    await ask('south', 'DELETE', '/projects/3');
    expect((await ask('north', 'POST', '/projects', { name: 'Road' })).body).toEqual({ id: 4, restored: false });
    expect((await ask('south', 'POST', '/projects', { name: 'Road' })).body).toEqual({ id: 3, restored: true });
    expect(await database.query(`select id, tenant from project where name = 'Road' order by id`)).toEqual([
      { id: 3, tenant: 'south' },
      { id: 4, tenant: 'north' },
    ]);
  });

  it('removes for good what is of the tenant', async () => {
    expect((await ask('south', 'DELETE', '/projects/3/for-good')).body).toMatchObject({ total: expect.any(Number) });
    expect(await rows()).toEqual({ projects: [1, 2], tasks: [1, 2, 3] });
  });

  it('keeps tenants apart that ask at the same time', async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => ask(index % 2 ? 'north' : 'south', 'GET', '/projects')),
    );
    expect(answers.map(({ body }) => body.map(({ id }: any) => id))).toEqual(
      answers.map((_, index) => (index % 2 ? [1] : [2, 3])),
    );
  });

  it.each([
    ['DELETE', '/projects/1'],
    ['DELETE', '/projects/1/entity'],
    ['DELETE', '/projects/1/for-good'],
    ['DELETE', '/tasks'],
    ['GET', '/projects'],
  ])('refuses %s %s without a tenant', async (method, path) => {
    expect((await ask(undefined, method, path)).status).toBe(500);
    expect(await deleted()).toEqual(nothing);
    expect(await rows()).toEqual(all);
  });

  it('purges for all tenants, whoever asks', async () => {
    await ask('north', 'DELETE', '/projects/1');
    await ask('south', 'DELETE', '/projects/2');
    await ask('south', 'DELETE', '/projects/3');
    await database.query(
      `update project set deleted_at = deleted_at - interval '31 days' where id <> 3;
       update task set deleted_at = deleted_at - interval '31 days' where project_id <> 3`,
    );
    expect((await ask(undefined, 'POST', '/purge')).body).toMatchObject({ outcome: 'completed', total: 5 });
    expect(await rows()).toEqual({ projects: [3], tasks: [4] });
  });
});
