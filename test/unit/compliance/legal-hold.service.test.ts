import { defineEntity, MikroORM, p } from '@mikro-orm/postgresql';
import { softDeletable, softDelete, SoftDeleteConfigError } from 'nestjs-mikro-orm-soft-delete';
import { complianceEntities, createCompliance, LegalHoldService } from 'nestjs-mikro-orm-soft-delete/compliance';

const Customer = softDeletable(
  defineEntity({
    name: 'Customer',
    properties: { id: p.integer().primary(), deletedAt: p.datetime().columnType('timestamptz').nullable() },
  }),
);

describe(LegalHoldService, () => {
  let orm: MikroORM;
  let holds: LegalHoldService;
  beforeAll(async () => {
    orm = await MikroORM.init({
      dbName: 'none',
      entities: [Customer, ...complianceEntities()],
      extensions: [softDelete()],
      allowGlobalContext: true,
    });
    await orm.close();
    ({ holds } = createCompliance(orm));
  });

  it.each<[string, object, string]>([
    ['no name', { name: undefined }, 'name: undefined is not text. Write text that is not empty.'],
    ['a name that says nothing', { name: ' ' }, 'name: " " is not text. Write text that is not empty.'],
    ['no reason', { reason: undefined }, 'reason: undefined is not text. Write text that is not empty.'],
    ['no rows', { on: undefined }, 'on: it names no rows. Write [[Customer, 7], [Order, 17]].'],
    ['an empty list', { on: [] }, 'on: it names no rows. Write [[Customer, 7], [Order, 17]].'],
    ['a row without an entity', { on: [[Customer, 1], [1]] }, 'on: it names no rows.'],
    ['rows that are no pairs', { on: [[Customer, 1, 2]] }, 'on: it names no rows.'],
    ['a text for rows', { on: 'Customer' }, 'on: "Customer" is not a list'],
    ['a text for a time', { reviewAt: '2027-01-31' }, 'reviewAt: "2027-01-31" is not'],
    ['an actor that is no text', { actor: 7 }, 'actor: 7 is not'],
  ])('places no hold with %s', async (_what, options, problem) => {
    const placed = holds.place({ name: 'Dispute', reason: 'Letter', on: [[Customer.class, 1]], ...options } as never);
    await expect(placed).rejects.toThrow(SoftDeleteConfigError);
    await expect(placed).rejects.toThrow(`LegalHoldService.place(), ${problem}`);
  });

  it.each<[string, unknown, object, string]>([
    [
      'what is no id',
      '7',
      {},
      'LegalHoldService.release(): "7" is not the id of a hold. place() and list() return it.',
    ],
    ['half an id', 1.5, {}, 'LegalHoldService.release(): 1.5 is not the id of a hold.'],
    ['no reason', 1, { reason: '' }, 'LegalHoldService.release(), reason: "" is not text.'],
    ['an actor that is no text', 1, { actor: 7 }, 'LegalHoldService.release(), actor: 7 is not'],
    ['what is not known', 1, { why: 'Settled' }, 'LegalHoldService.release()'],
  ])('releases none with %s', async (_what, id, options, problem) => {
    const released = holds.release(id as number, { reason: 'Settled', ...options });
    await expect(released).rejects.toThrow(SoftDeleteConfigError);
    await expect(released).rejects.toThrow(problem);
  });
});
