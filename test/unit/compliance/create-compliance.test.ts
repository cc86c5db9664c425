import { defineEntity, MikroORM, p } from '@mikro-orm/postgresql';
import {
  softDeletable,
  softDelete,
  SoftDeleteConfigError,
  SoftDeleteNotInstalledError,
} from 'nestjs-mikro-orm-soft-delete';
import {
  type Compliance,
  complianceEntities,
  createCompliance,
  personalData,
} from 'nestjs-mikro-orm-soft-delete/compliance';

const Customer = personalData(
  softDeletable(
    defineEntity({
      name: 'Customer',
      properties: { id: p.integer().primary(), deletedAt: p.datetime().columnType('timestamptz').nullable() },
    }),
  ) as any,
  { subject: true, erase: 'row' },
);
class Stranger {
  id!: number;
}

/** No database is there: what is refused here was refused before one was asked. */
const ormWith = (entities: any[], extensions: any[] = [softDelete()]) =>
  new MikroORM({ dbName: 'none', clientUrl: 'postgresql://localhost:1/none', entities, extensions });

describe(createCompliance, () => {
  it('refuses an ORM without soft deletion or without the entities, and an option that does not exist', () => {
    expect(() => createCompliance(ormWith(complianceEntities(), []))).toThrow(SoftDeleteNotInstalledError);
    expect(() => createCompliance(ormWith([Customer]))).toThrow(
      'entities: the ORM has no entity DeletionRecord, so nothing is recorded. Add ...complianceEntities()',
    );
    const orm = ormWith([Customer, ...complianceEntities()]);
    expect(() => createCompliance(orm, { erasures: {} } as never)).toThrow(/createCompliance\(\).*erasures/);
    expect(() => createCompliance(orm, { erasure: { deadline: 'soon' as never } })).toThrow(/erasure.deadline/);
  });

  const compliance = createCompliance(ormWith([Customer, ...complianceEntities()]));

  it.each<[string, (of: Compliance) => Promise<unknown>, string]>([
    ['an actor that is no text', ({ log }) => log.find({ actor: 7 as never }), 'DeletionLog.find(), actor: 7 is not'],
    ['a text for a start', ({ log }) => log.find({ from: '2026' as never }), 'DeletionLog.find(), from: "2026" is not'],
    ['a text for an end', ({ log }) => log.find({ to: '2026' as never }), 'DeletionLog.find(), to: "2026" is not'],
    [
      'an action that nobody takes',
      ({ log }) => log.find({ action: 'forget' as never }),
      "DeletionLog.find(), action: \"forget\" is not an action. Write one of 'deleted', 'restored'",
    ],
    ['half a limit', ({ log }) => log.find({ limit: 1.5 }), 'DeletionLog.find(), limit'],
    ['an option of a log that does not exist', ({ log }) => log.find({ unit: 1 } as never), 'DeletionLog.find()'],
    [
      'an entity of another ORM',
      ({ log }) => log.find({ entity: Stranger }),
      'Stranger is not an entity of this ORM. Pass the class',
    ],
    ['no entity at all', ({ log }) => log.of(undefined as never, 1), 'undefined is not an entity of this ORM'],
    [
      'a text for the time of a request to erase',
      ({ erasures }) => erasures.erase(Customer as never, 1 as never, { requestedAt: '2026' as never }),
      'ErasureService.erase(), requestedAt: "2026" is not',
    ],
    [
      'a reason to erase that is no text',
      ({ erasures }) => erasures.erase(Customer as never, 1 as never, { reason: 7 as never }),
      'ErasureService.erase(), reason: 7 is not',
    ],
    [
      'an option of an erasure that does not exist',
      ({ erasures }) => erasures.erase(Customer as never, 1 as never, { after: new Date() } as never),
      'ErasureService.erase()',
    ],
    [
      'a text for the time of a request',
      ({ erasures }) => erasures.request(Customer as never, 1 as never, { requestedAt: '2026' as never }),
      'ErasureService.request(), requestedAt: "2026" is not',
    ],
    [
      'a reason of a request that is no text',
      ({ erasures }) => erasures.request(Customer as never, 1 as never, { reason: 7 as never }),
      'ErasureService.request(), reason: 7 is not',
    ],
    [
      'an option of a request that does not exist',
      ({ erasures }) => erasures.request(Customer as never, 1 as never, { why: '' } as never),
      'ErasureService.request()',
    ],
    [
      'an extension without a reason',
      ({ erasures }) => erasures.extend(1, ''),
      'ErasureService.extend(), reason: "" is not',
    ],
    [
      'an extension for nothing',
      ({ erasures }) => erasures.extend(1, undefined as never),
      'ErasureService.extend(), reason: "" is not',
    ],
  ])('asks no database about %s', async (_what, call, problem) => {
    const answer = call(compliance);
    await expect(answer).rejects.toThrow(SoftDeleteConfigError);
    await expect(answer).rejects.toThrow(problem);
  });
});
