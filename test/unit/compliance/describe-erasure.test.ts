import { MikroORM } from '@mikro-orm/postgresql';
import { softDelete } from 'nestjs-mikro-orm-soft-delete';
import { complianceEntities } from 'nestjs-mikro-orm-soft-delete/compliance';
import { addErasures } from '../../../lib/compliance/erasure/describe-erasure.js';
import { entryOf } from '../../../lib/compliance/erasure/ledger/tell-ledger.js';

describe(addErasures, () => {
  const of = (entity: string, rest: object = {}) => ({
    entity,
    deleted: 0,
    overwritten: 0,
    fields: [],
    kept: [],
    held: [],
    ...rest,
  });
  const kept = [{ key: ['1'], ground: 'the law', until: null }];
  const held = [{ key: ['2'], hold: 'Dispute' }];

  it('adds up what two runs have done, by the names of entities, and keeps what the later one has left', () => {
    expect(
      addErasures(
        [of('Order', { deleted: 1, overwritten: 2, fields: ['name'], kept, held }), of('Note', { deleted: 5, kept })],
        [
          of('Order', { deleted: 10, overwritten: 20, fields: ['email', 'name'] }),
          of('Bill', { overwritten: 3, fields: ['text'], kept, held }),
        ],
      ),
    ).toEqual([
      of('Bill', { overwritten: 3, fields: ['text'], kept, held }),
      of('Note', { deleted: 5 }),
      of('Order', { deleted: 11, overwritten: 22, fields: ['name', 'email'] }),
    ]);
  });

  it('changes nothing where nothing was done', () => {
    expect(addErasures([], [])).toEqual([]);
    expect(addErasures([], [of('Order', { deleted: 1, held })])).toEqual([of('Order', { deleted: 1, held })]);
  });
});

describe(entryOf, () => {
  const stored = {
    id: 7,
    entity: 'Customer',
    key: ['1'],
    requestedAt: new Date('2026-01-02T03:04:05Z'),
    finishedAt: new Date('2026-02-03T04:05:06Z'),
    fingerprint: 'f00',
  };
  const entry = {
    id: 7,
    entity: 'Customer',
    key: ['1'],
    requestedAt: '2026-01-02T03:04:05.000Z',
    erasedAt: '2026-02-03T04:05:06.000Z',
    fingerprint: 'f00',
  };
  const emOf = (schema?: '*') =>
    new MikroORM({
      dbName: 'none',
      entities: complianceEntities({ schema }),
      extensions: [softDelete()],
    } as never).em.fork({ schema: 'north' } as never);

  it('is all that another system has to know to erase the person again, with the tenant where each has erasures', () => {
    expect(entryOf(emOf() as never, stored as never)).toEqual(entry);
    expect(entryOf(emOf('*') as never, stored as never)).toEqual({ ...entry, schema: 'north' });
  });
});
