import { defineEntity, p } from '@mikro-orm/postgresql';
import { softDeletable, type SoftDeleteRepository } from 'nestjs-mikro-orm-soft-delete';
import { erased, ErasureService, personalData } from 'nestjs-mikro-orm-soft-delete/compliance';
import { useErasures } from './use-erasures.js';

const Person = personalData(
  softDeletable(
    defineEntity({
      name: 'Person',
      properties: { tenant: p.integer().primary(), id: p.integer().primary(), email: p.text() },
    }),
    { strategy: 'archive' },
  ),
  { subject: true, fields: { email: erased.email() } },
);
const properties = {
  id: p.integer().primary(),
  person: () => p.manyToOne(Person).nullable().deleteRule('set null'),
  shipTo: p.text().nullable(),
};
const Bill = personalData(
  softDeletable(defineEntity({ name: 'Bill', properties: { ...properties, deletedAt: p.datetime().nullable() } })),
  { of: 'person', fields: { shipTo: null } },
);
const Parcel = personalData(softDeletable(defineEntity({ name: 'Parcel', properties }), { strategy: 'archive' }), {
  of: 'person',
  erase: 'row',
});

describe(`${ErasureService.name} and rows whose keys to an archived person were cleared`, () => {
  const test = useErasures([Person, Bill, Parcel]);
  const repo = (entity: object) =>
    test.orm.em.fork().getRepository(entity as never) as unknown as SoftDeleteRepository<any>;
  const rows = async () => ({
    bills: (await test.rows('select ship_to from bill order by id')).map(({ ship_to }) => ship_to),
    parcels: (
      await test.rows(
        `select id::text from parcel union all select key from deletion_archive where part = 'Parcel' order by 1`,
      )
    ).map(({ id }) => id),
  });

  beforeEach(async () => {
    await test.rows(`
      insert into person values (1, 1, 'ada@example.org'), (1, 2, 'bob@example.org');
      insert into bill (id, person_tenant, person_id, ship_to) values
        (1, 1, 1, 'Ockham Park 12'), (2, 1, 2, 'Dorset Street 1'), (3, 1, 1, 'Mews 3'), (4, null, null, 'Nowhere 4');
      insert into parcel (id, person_tenant, person_id) values (1, 1, 1), (2, 1, 1), (3, 1, 2)`);
    await repo(Person).softDelete([[1, 1]]);
  });

  it('reaches them, in their tables and archived since, and nothing that has another key by now', async () => {
    await test.rows('update bill set person_tenant = 1, person_id = 2 where id = 3');
    await repo(Parcel).softDelete([2, 3]);
    const plan = await test.erasures.plan(Person.class as never, [1, 1] as never);
    const certificate = await test.erasures.erase(Person.class as never, [1, 1] as never);
    expect(certificate).toMatchObject({
      outcome: 'completed',
      residue: 0,
      entities: [
        { entity: 'Bill', overwritten: 1 },
        { entity: 'Parcel', deleted: 2 },
        { entity: 'Person', overwritten: 1 },
      ],
    });
    expect(plan.entities).toMatchObject(
      certificate.entities.map(({ deleted, overwritten }) => ({ deleted, overwritten })),
    );
    expect(await rows()).toEqual({ bills: [null, 'Dorset Street 1', 'Mews 3', 'Nowhere 4'], parcels: ['3'] });
  });

  it('leaves them where the archived person is held', async () => {
    const { id } = await test.holds.place({ name: 'Dispute', reason: 'r', on: [[Person as never, [1, 1]]] });
    expect(await test.erasures.erase(Person.class as never, [1, 1] as never)).toMatchObject({ outcome: 'partial' });
    expect((await rows()).bills).toContain('Ockham Park 12');
    await test.holds.release(id, { reason: 'settled' });
    expect(await test.erasures.run()).toMatchObject([{ outcome: 'completed' }]);
    expect(await rows()).toEqual({ bills: [null, 'Dorset Street 1', null, 'Nowhere 4'], parcels: ['3'] });
  });
});
