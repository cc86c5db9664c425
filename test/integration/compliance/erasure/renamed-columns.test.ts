import { defineEntity, p } from '@mikro-orm/postgresql';
import { softDeletable, type SoftDeleteRepository } from 'nestjs-mikro-orm-soft-delete';
import { ErasureService, personalData } from 'nestjs-mikro-orm-soft-delete/compliance';
import { rewriteArchive } from '../../../support/change-archive.js';
import { useErasures } from './use-erasures.js';

const Person = personalData(
  defineEntity({ name: 'Person', properties: { id: p.integer().primary(), name: p.text().nullable() } }),
  { subject: true, fields: { name: null } },
);
/** Its columns had other names once; `remark` is the name of a new one, which nobody's data are in. */
const Visit = personalData(
  softDeletable(
    defineEntity({
      name: 'Visit',
      properties: {
        id: p.integer().primary(),
        person: () => p.manyToOne(Person).deleteRule('cascade'),
        note: p.text().nullable(),
        remark: p.text().nullable(),
        paidAt: p.datetime().columnType('timestamptz').nullable(),
      },
    }),
    { strategy: 'archive', archive: { renamed: { owner_id: 'person_id', remark: 'note', paid: 'paid_at' } } },
  ),
  {
    of: 'person',
    fields: { note: null },
    notPersonal: ['remark'],
    keep: { for: '10y', from: 'paidAt', ground: 'tax law' },
  },
);

describe(`${ErasureService.name} and archived rows whose columns were renamed since`, () => {
  const test = useErasures([Person, Visit]);
  const visits = () => test.orm.em.fork().getRepository(Visit) as unknown as SoftDeleteRepository<any>;
  const erase = (id: number) => test.erasures.erase(Person.class as never, id as never);
  const archived = async () =>
    (
      await test.rows(`select data ->> 'note' as note, data ->> 'remark' as remark from deletion_archive order by key`)
    ).map(({ note, remark }) => [note, remark]);

  beforeEach(async () => {
    await test.rows(`insert into person values (1, 'Ada'), (2, 'Bob');
      insert into visit values (1, 1, 'about Ada', null, now() - interval '11 years'), (2, 2, 'about Bob', null, now() - interval '11 years'),
        (3, 1, 'late, about Ada', 'room 5', now() - interval '11 years'), (4, 1, 'new, about Ada', null, now())`);
    await visits().softDelete([1, 2, 3, 4]);
    await rewriteArchive(
      test.database,
      `case when key = '3' then data else jsonb_build_object('id', data -> 'id', 'owner_id', data -> 'person_id', 'remark', data -> 'note', 'paid', data -> 'paid_at') end as data`,
    );
  });

  it('finds and overwrites them, keeps what the law keeps, and leaves alone what came to the old name', async () => {
    const { outcome, entities } = await erase(1);
    expect(entities.find(({ entity }) => entity === 'Visit')).toMatchObject({
      overwritten: 2,
      kept: [{ key: 4, ground: 'tax law', until: expect.any(Date) }],
    });
    expect(outcome).toBe('partial');
    expect(await archived()).toEqual([
      [null, null],
      [null, 'about Bob'],
      [null, 'room 5'],
      [null, 'new, about Ada'],
    ]);
  });

  it('leaves nothing of the person where nothing is kept', async () => {
    expect(await erase(2)).toMatchObject({ outcome: 'completed', residue: 0 });
    expect(await test.tablesWith('about Bob')).toEqual([]);
  });
});
