import { MikroORM } from '@mikro-orm/postgresql';
import { createPurge, installSoftDelete, PurgeInterruptedError } from 'nestjs-mikro-orm-soft-delete';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';
import { Account } from '../../support/library.js';

describe('a purge that cannot reach the database', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await createTestDatabase();
    await database.query('create role no_login nologin');
  });

  afterAll(async () => {
    await database.query('drop role no_login');
    await database.drop();
  });

  const url = (change: (url: URL) => void) => {
    const changed = new URL(database.url);
    change(changed);
    return changed.href;
  };

  it.each<[string, () => string, RegExp]>([
    ['no server', () => 'postgresql://postgres@127.0.0.1:1/none', /ECONNREFUSED.*that the server runs/],
    ['no host', () => 'postgresql://postgres@nowhere.invalid/none', /nowhere\.invalid.*(DNS|can be reached)/],
    ['no right to log in', () => url((changed) => (changed.username = 'no_login')), /no_login.*the password/],
  ])('says so from the first connection on, in run(), status() and plan(): %s', async (_what, target, message) => {
    const orm = await MikroORM.init({
      clientUrl: target(),
      entities: [Account],
      driverOptions: { connectionTimeoutMillis: 2_000 },
    });
    installSoftDelete(orm);
    try {
      const purge = createPurge(orm, { retention: '1d' });
      const calls = [() => purge.run(), () => purge.status(), () => purge.plan()];
      const errors = await Promise.all(calls.map((call) => call().catch((error: unknown) => error)));
      for (const error of errors) {
        expect(error).toBeInstanceOf(PurgeInterruptedError);
        expect(error).toMatchObject({
          code: 'PURGE_INTERRUPTED',
          cause: expect.objectContaining({ code: expect.any(String) }),
          report: { total: 0, outcome: 'aborted' },
        });
        expect((error as Error).message).toMatch(message);
      }
    } finally {
      await orm.close(true);
    }
  });
});
