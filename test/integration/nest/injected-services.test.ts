import { Inject, Injectable, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  getPurgeServiceToken,
  getSoftDeleteDoctorToken,
  getSoftDeleteEventsToken,
  PurgeService,
  SoftDeleteDoctor,
  SoftDeleteEvents,
  SoftDeleteModule,
} from 'nestjs-mikro-orm-soft-delete';
import {
  DeletionLog,
  ErasureService,
  getDeletionLogToken,
  getErasureServiceToken,
  getLegalHoldServiceToken,
  LegalHoldService,
} from 'nestjs-mikro-orm-soft-delete/compliance';
import type { TestDatabase } from '../../support/database.js';
import { createPeopleDatabase, mikroOrmModule } from './people.js';

/** A service by its class, and its token in the context of a name. */
const SERVICES = [
  [PurgeService, getPurgeServiceToken],
  [SoftDeleteEvents, getSoftDeleteEventsToken],
  [SoftDeleteDoctor, getSoftDeleteDoctorToken],
  [DeletionLog, getDeletionLogToken],
  [ErasureService, getErasureServiceToken],
  [LegalHoldService, getLegalHoldServiceToken],
] as const;

describe('The services of soft deletion', () => {
  let database: TestDatabase;

  beforeEach(async () => {
    database = await createPeopleDatabase();
  });
  afterEach(() => database.drop());

  it.each(SERVICES.map(([service, token]) => [service.name, service, token] as const))(
    'inject %s of each ORM into a module that imports nothing',
    async (_name, service, token) => {
      @Injectable()
      class Reader {
        constructor(
          @Inject(service) readonly own: object,
          @Inject(token('archive')) readonly named: object,
        ) {}
      }
      @Module({ providers: [Reader] })
      class ReaderModule {}

      const app = await Test.createTestingModule({
        imports: [
          mikroOrmModule(database),
          mikroOrmModule(database, 'archive'),
          SoftDeleteModule.forRoot(),
          SoftDeleteModule.forRoot({ contextName: 'archive' }),
          ReaderModule,
        ],
      }).compile();
      try {
        const { own, named } = app.get(Reader, { strict: false });
        expect([own, named]).toEqual([expect.any(service), expect.any(service)]);
        expect(own).not.toBe(named);
        expect(token()).toBe(service);
      } finally {
        await app.close();
      }
    },
  );
});
