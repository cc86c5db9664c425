import { Inject, Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  type Finding,
  getSoftDeleteDoctorToken,
  SoftDeleteDoctor,
  SoftDeleteModule,
} from 'nestjs-mikro-orm-soft-delete';
import type { TestDatabase } from '../../support/database.js';
import { createPeopleDatabase, mikroOrmModule } from '../nest/people.js';

@Injectable()
class Audit {
  constructor(
    @Inject(SoftDeleteDoctor) readonly doctor: SoftDeleteDoctor,
    @Inject(getSoftDeleteDoctorToken('crm')) readonly crmDoctor: SoftDeleteDoctor,
  ) {}
}

describe('SoftDeleteDoctor in a Nest application', () => {
  let databases: TestDatabase[];

  beforeAll(async () => {
    databases = [await createPeopleDatabase(), await createPeopleDatabase()];
    for (const database of databases) {
      await database.query(`update pet set deleted_at = now() - interval '10 days' where name = 'Bob'`);
    }
    await databases[1]!.query('alter table person alter column deleted_at type date');
  });

  afterAll(() => Promise.all(databases.map((database) => database.drop())));

  it('is injected for each ORM, and knows the retention of its module', async () => {
    const [main, crm] = databases as [TestDatabase, TestDatabase];
    const app = await Test.createTestingModule({
      imports: [
        mikroOrmModule(main),
        mikroOrmModule(crm, 'crm'),
        SoftDeleteModule.forRoot({ purge: { retention: '1d' } }),
        SoftDeleteModule.forRootAsync({ contextName: 'crm', useFactory: () => ({}) }),
      ],
      providers: [Audit],
    }).compile();
    try {
      const { doctor, crmDoctor } = app.get(Audit);
      const about = (findings: Finding[]) => findings.map(({ code, entity }) => `${entity}: ${code}`).sort();
      // Pets name no retention: the module's for the one ORM, 'forever' for the other.
      expect(about(await doctor.examine())).toEqual([
        'Person: purge-index-missing',
        'Pet: purge-index-missing',
        'Pet: purge-overdue',
      ]);
      expect(about(await crmDoctor.examine())).toEqual([
        'Person: column-type',
        'Person: purge-index-missing',
        'Pet: purge-index-missing',
      ]);
    } finally {
      await app.close();
    }
  });
});
