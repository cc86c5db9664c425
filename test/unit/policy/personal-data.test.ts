import { defineEntity, MikroORM, p } from '@mikro-orm/postgresql';
import { describeDeletionPolicy, softDelete } from 'nestjs-mikro-orm-soft-delete';
import { complianceEntities, erased, noPersonalData, personalData } from 'nestjs-mikro-orm-soft-delete/compliance';

const Person = personalData(
  defineEntity({
    name: 'Person',
    tableName: 'person',
    properties: { id: p.integer().primary(), email: p.text(), name: p.text().nullable() },
  }),
  { subject: true, fields: { email: erased.email(), name: null } },
);
const of = (name: string, options: object) =>
  personalData(
    defineEntity({
      name,
      tableName: name.toLowerCase(),
      properties: {
        id: p.integer().primary(),
        at: p.datetime(),
        from: () => p.manyToOne(Person),
        to: () => p.manyToOne(Person).nullable(),
        text: p.text().nullable(),
      },
    }),
    options as never,
  );
const ENTITIES = [
  Person,
  of('Bill', { of: 'from', fields: { text: null }, keep: { for: '10y', from: 'at', ground: '§147 AO | HGB' } }),
  of('Call', { of: 'from', fields: {}, notPersonal: ['text'], keep: { for: '30d', from: 'at', ground: 'TKG' } }),
  of('Message', { of: { from: { text: '[erased]' }, to: {} } }),
  of('Review', { of: 'from', erase: 'row' }),
  noPersonalData(
    defineEntity({
      name: 'Visit',
      tableName: 'visit',
      properties: { id: p.integer().primary(), person: () => p.manyToOne(Person) },
    }),
  ),
];

describe(`${describeDeletionPolicy.name}() on personal data`, () => {
  const describePolicy = async (entities: any[], erasure?: object) => {
    const orm = await MikroORM.init({
      dbName: 'nowhere',
      connect: false,
      entities: [...entities, ...complianceEntities()],
      extensions: [softDelete(erasure ? { erasure } : {})],
    } as never);
    const text = describeDeletionPolicy(orm as never);
    await orm.close();
    // The tables of records, holds and erasures are none of the application's.
    expect(text).not.toMatch(/deletion_record|legal_hold|`erasure`|DeletionArchive/);
    const at = text.indexOf('## Personal data');
    return at < 0 ? undefined : text.slice(at).split('\n');
  };

  it('says whose the rows are, what an erasure does with them, and what is kept first, from when and why', async () => {
    expect(await describePolicy(ENTITIES)).toEqual([
      '## Personal data',
      '',
      "A person's data is erased within 1 month of the request. Legal holds go before legal periods, and these before the erasure.",
      '',
      '| Entity | Whose | An erasure | Overwrites | Keeps first | From | Ground |',
      '| --- | --- | --- | --- | --- | --- | --- |',
      '| Bill | from (Person) | overwrites | text | 10 years | at | §147 AO \\| HGB |',
      '| Call | from (Person) | leaves the row | – | 30 days | at | TKG |',
      '| Message | from (Person); to (Person) | overwrites | text | – | – | – |',
      '| Person | its own | overwrites | email, name | – | – | – |',
      '| Review | from (Person) | removes the row | – | – | – | – |',
      '',
    ]);
  });

  it('has the deadline of the configuration, and nothing to say where nobody declares anything', async () => {
    expect((await describePolicy(ENTITIES, { deadline: '14d' }))![2]).toContain('within 14 days of');
    expect(
      await describePolicy([
        defineEntity({ name: 'Plain', tableName: 'plain', properties: { id: p.integer().primary() } }),
      ]),
    ).toBeUndefined();
  });
});
