import { defineEntity, p } from '@mikro-orm/postgresql';
import { softDeletable, type SoftDeleteRepository } from 'nestjs-mikro-orm-soft-delete';
import { personalData } from 'nestjs-mikro-orm-soft-delete/compliance';
import { rewriteArchive } from '../../../support/change-archive.js';
import { useErasures } from './use-erasures.js';

const Person = personalData(
  softDeletable(
    defineEntity({
      name: 'Person',
      properties: { id: p.integer().primary(), name: p.text().nullable(), address: p.json().nullable() },
    }),
    { strategy: 'archive' },
  ),
  { subject: true, fields: { name: null, address: null } },
);
const Bill = personalData(
  softDeletable(
    defineEntity({
      name: 'Bill',
      properties: {
        id: p.integer().primary(),
        person: () => p.manyToOne(Person).deleteRule('cascade'),
        shipTo: p.text().nullable(),
        meta: p.json().nullable(),
        tags: p.array().nullable(),
        scan: p.blob().nullable(),
      },
    }),
    { strategy: 'archive' },
  ),
  { of: 'person', fields: { shipTo: null }, notPersonal: ['meta', 'tags', 'scan'] },
);

describe('the search for what an erasure has left in archived documents', () => {
  const test = useErasures([Person, Bill]);
  const archivePerson = () =>
    (test.orm.em.fork().getRepository(Person) as unknown as SoftDeleteRepository<any>).softDelete(1);

  beforeEach(() =>
    test.rows(`
      insert into person values (1, 'Ada Lovelace', '{"home": {"street": "Ockham Park 12"}}');
      insert into bill (id, person_id, ship_to) values (1, 1, 'the very words of it'), (2, 1, null)`),
  );

  it.each([
    ['a text deep in a document', `meta = '{"a": [{"b": "the very words of it"}]}'`],
    ['a name that is a key of one', `meta = '{"of": {"ada lovelace": 1}}'`],
    ['a text among others', `tags = array['x', 'the very words of it']`],
    ['a name among bytes', `scan = convert_to('by Ada Lovelace', 'UTF8')`],
    ['what a document of the person has said', `meta = '"to Ockham Park 12"'`],
  ])('finds %s', async (_what, changes) => {
    await test.rows(`update bill set ${changes} where id = 2`);
    await archivePerson();
    expect(await test.rows('select 1 from deletion_archive')).toHaveLength(3);
    expect(await test.erasures.erase(Person.class as never, 1 as never)).toMatchObject({
      outcome: 'partial',
      residue: 1,
    });
  });

  it('still finds it when nobody knows the values any more, until somebody changes it', async () => {
    const erase = async () => (await test.erasures.erase(Person.class as never, 1 as never)).residue;
    await test.rows(`update bill set meta = '"by Ada Lovelace"', tags = array['Ada Lovelace'] where id = 2`);
    await archivePerson();
    expect(await erase()).toBe(2);
    expect(await erase()).toBe(2);
    await rewriteArchive(
      test.database,
      `case part when 'Bill' then data || '{"tags": "{somebody}"}' else data end as data`,
    );
    expect(await erase()).toBe(1);
    await rewriteArchive(test.database, `case part when 'Bill' then data || '{"meta": null}' else data end as data`);
    expect(await erase()).toBe(0);
  });

  it('finds nothing where nothing is left', async () => {
    await test.rows(
      `update bill set meta = '{"street": ["name", 12]}', tags = '{home}', scan = '\\x00ff' where id = 2`,
    );
    await archivePerson();
    expect(await test.erasures.erase(Person.class as never, 1 as never)).toMatchObject({
      outcome: 'completed',
      residue: 0,
    });
  });
});
