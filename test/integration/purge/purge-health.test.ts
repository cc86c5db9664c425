import { HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { Test } from '@nestjs/testing';
import { createPurge, PurgeHealthIndicator, PurgeService } from 'nestjs-mikro-orm-soft-delete';
import { ErasureService } from 'nestjs-mikro-orm-soft-delete/compliance';
import { createTestOrm, type TestOrm } from '../../support/orm.js';
import { Account, Invoice, Project, Session, Tag } from './purge.entities.js';

describe(PurgeHealthIndicator.name, () => {
  let test: TestOrm;

  beforeEach(async () => {
    test = await createTestOrm([Account, Project, Session, Tag, Invoice], {}, false);
  });
  afterEach(() => test.close());

  it('turns red when the oldest due row that is not blocked has been due for longer than agreed', async () => {
    const module = await Test.createTestingModule({
      imports: [TerminusModule.forRoot({ logger: false })],
      providers: [PurgeHealthIndicator, { provide: PurgeService, useFactory: () => createPurge(test.orm) }],
    }).compile();
    const indicator = module.get(PurgeHealthIndicator);
    const check = (sla?: '11d') => module.get(HealthCheckService).check([() => indicator.isHealthy('purge', { sla })]);
    await test.database.query(`
      insert into account (id, name, deleted_at) values
        (1, 'blocked', now() - interval '90 days'), (2, 'due for an hour', now() - interval '30 days 1 hour');
      insert into invoice values (1, 1);
    `);

    await expect(check()).resolves.toMatchObject({
      status: 'ok',
      details: { purge: { status: 'up', due: 2, blocked: 1 } },
    });

    await test.database.query(
      `insert into account (id, name, deleted_at) values (3, 'due for ten days', now() - interval '40 days')`,
    );
    await expect(check()).rejects.toMatchObject({
      response: {
        status: 'error',
        error: { purge: { status: 'down', message: 'The purge is behind for Account.', due: 3, blocked: 1 } },
      },
    });
    await expect(check('11d')).resolves.toMatchObject({ status: 'ok' });

    await createPurge(test.orm).run();
    await expect(check()).resolves.toMatchObject({ details: { purge: { due: 1, blocked: 1, overdueBy: 0 } } });
    await module.close();
  });

  it('asks for no erasures where the ORM has no table of them', async () => {
    const indicator = new PurgeHealthIndicator(createPurge(test.orm), new ErasureService(test.orm));
    await expect(indicator.isHealthy()).resolves.toEqual({ purge: { status: 'up', overdueBy: 0 } });
  });
});
