import { defineEntity, p, raw, Type } from '@mikro-orm/core';
import {
  Embeddable,
  Embedded,
  Entity,
  Enum,
  ManyToOne,
  OneToOne,
  PrimaryKey,
  Property,
} from '@mikro-orm/decorators/legacy';
import { MikroORM } from '@mikro-orm/postgresql';
import {
  SoftDeletable,
  softDeletable,
  softDelete,
  SoftDeletableEntity,
  SoftDeleteConfigError,
} from 'nestjs-mikro-orm-soft-delete';
import {
  erased,
  NoPersonalData,
  noPersonalData,
  PersonalData,
  personalData,
  type PersonalDataOptions,
} from 'nestjs-mikro-orm-soft-delete/compliance';
import { PersonalDataCatalog } from '../../../lib/compliance/erasure/declaration/personal-data-catalog.js';
import { findUndeclared } from '../../../lib/compliance/erasure/declaration/find-undeclared.js';

const start = (...entities: any[]) =>
  new MikroORM({ clientUrl: 'postgresql://localhost:1/none', entities, extensions: [softDelete()] });

/** A person with a column of every kind, declared as each case says. */
function personWith(options: PersonalDataOptions) {
  class Subject {
    id!: number;
  }
  const schema = defineEntity({
    class: Subject as new () => any,
    tableName: 'subject',
    properties: {
      id: p.integer().primary(),
      email: p.string().length(60).unique(),
      name: p.string().length(20),
      nick: p.string().length(10).nullable(),
      bio: p.text().nullable(),
      data: p.json().nullable(),
      photo: p.blob().nullable(),
      age: p.integer(),
      grade: p.string().length(40),
      room: p.string().length(40),
      born: p.datetime().nullable(),
      kind: p.enum(['a', 'b']),
      version: p.integer().version(),
    },
    uniques: [{ properties: ['grade', 'room'] as never }],
  });
  return personalData(schema as any, options);
}

/** A row of a person, declared as each case says. */
function rowsWith(options: PersonalDataOptions, ...entities: any[]) {
  class Owned {
    id!: number;
  }
  const subject = personWith({ subject: true, erase: 'row' });
  const schema = defineEntity({
    class: Owned as new () => any,
    tableName: 'owned',
    properties: {
      id: p.integer().primary(),
      text: p.text(),
      at: p.datetime().nullable(),
      owner: () => p.manyToOne(subject as any),
      parent: () => p.manyToOne(schema as any).nullable(),
      children: () => p.oneToMany(schema as any).mappedBy('parent' as never),
    },
  }) as any;
  return [subject, personalData(schema, options), ...entities];
}

describe('@PersonalData()', () => {
  it.each<[string, PersonalDataOptions, RegExp]>([
    ['an option that does not exist', { subject: true, field: {} } as never, /field.*Did you mean fields/],
    ['a subject that is not true', { subject: 'yes' } as never, /subject: "yes" means nothing/],
    ['another way to erase', { of: 'a', erase: 'all' } as never, /erase: 'row'/],
    ['persons that belong to one', { subject: true, of: 'boss' }, /the row is a person itself/],
    ['no way to a person', { of: {} }, /names no path to a person/],
    ['fields for nobody', { of: { a: {}, b: {} }, fields: { text: null } }, /Move them into it: of: \{ a:/],
    [
      'a keep without a ground',
      { of: 'a', keep: { for: '1y', from: 'at' } as never },
      /keep, ground: it is missing\. Write keep: \{ for: '10y'/,
    ],
    ['a keep without a unit', { of: 'a', keep: { for: '10' as never, from: 'at', ground: 'g' } }, /has no unit/],
    ['a keep of no time', { of: 'a', keep: { for: '0 years', from: 'at', ground: 'g' } }, /is not a positive duration/],
    ['names that are no list', { of: 'a', notPersonal: 'text' } as never, /notPersonal: "text" is not a list/],
    ['a name that is no text', { of: 'a', notPersonal: [7] } as never, /notPersonal: 7 is not text/],
    ['a name that is missing', { of: 'a', notPersonal: [undefined] } as never, /notPersonal: null is not text/],
    ['fields that are no object', { of: 'a', fields: 'text' } as never, /fields: "text" is not an object/],
    ['a way that is no text', { of: 7 } as never, /of: 7 is not an object/],
    ['a way of no name', { of: '' }, /of: "" is not/],
    ['replacements that are no object', { of: { a: 'x' } } as never, /of\.a: "x" is not an object/],
    ['a way without replacements', { of: { a: undefined } } as never, /of\.a: null is not an object/],
    ['a keep that is no object', { of: 'a', keep: '10y' } as never, /keep: "10y" is not an object/],
    ['a keep without a period', { of: 'a', keep: { from: 'at', ground: 'g' } as never }, /keep, for: it is missing/],
    ['a keep without a start', { of: 'a', keep: { for: '1y', ground: 'g' } as never }, /keep, from: it is missing/],
    [
      'an option of a keep that does not exist',
      { of: 'a', keep: { for: '1y', from: 'at', ground: 'g', until: 1 } as never },
      /keep.*until/,
    ],
    [
      'a start that is no text',
      { of: 'a', keep: { for: '1y', from: 7, ground: 'g' } as never },
      /keep, from: 7 is not/,
    ],
    [
      'a ground that is no text',
      { of: 'a', keep: { for: '1y', from: 'at', ground: 7 } as never },
      /keep, ground: 7 is not/,
    ],
  ])('refuses %s where it is written', (_what, options, message) => {
    expect(() =>
      PersonalData(options)(
        class Odd {
          id!: number;
        },
      ),
    ).toThrow(SoftDeleteConfigError);
    expect(() =>
      PersonalData(options)(
        class Odd {
          id!: number;
        },
      ),
    ).toThrow(message);
    expect(() => personWith(options)).toThrow(message);
  });

  it.each<[string, PersonalDataOptions]>([
    ['persons with rows of others', { subject: true, of: { boss: { name: null } }, fields: { name: null } }],
    ['rows of several persons', { of: { a: { name: null }, b: {} }, notPersonal: ['text'] }],
    ['rows of one', { of: 'a', fields: { text: null }, keep: { for: '1y', from: 'at', ground: 'g' } }],
  ])('takes %s', (_what, options) => {
    expect(() =>
      PersonalData(options)(
        class Fine {
          id!: number;
        },
      ),
    ).not.toThrow();
  });

  it('refuses a second declaration of a class', () => {
    class Twice {
      id!: number;
    }
    NoPersonalData()(Twice);
    expect(() => PersonalData({ subject: true, erase: 'row' })(Twice)).toThrow('already has a declaration');
  });

  it.each<[string, PersonalDataOptions['fields'], RegExp]>([
    ['an unknown property', { emal: null }, /fields.emal: Subject has no property "emal". Did you mean "email"/],
    [
      'null in a NOT NULL column',
      { name: null },
      /fields.name: it is null, and the column is NOT NULL\. Write a constant such as '\[erased\]', or erased\.digest\(\)\./,
    ],
    [
      'a constant that is too long',
      { nick: 'x'.repeat(11) },
      /has 11 characters, and the column holds 10\. Write a shorter one, or make the column longer\./,
    ],
    ['a constant in a unique column', { email: 'x@y' }, /every erased row would have the same email, which is unique/],
    ['constants in a unique key', { grade: 'x', room: 'y' }, /the same grade and room, which are unique/],
    [
      'an address that is too long',
      { name: erased.email() },
      /takes 38 characters, and the column holds 20\. Make the column longer, or write null or a constant\./,
    ],
    ['a constant for one that many lists allow', { kind: 'ab' }, /"ab" is none of a, b/],
    ['a digest that would not tell rows apart', { nick: erased.digest() }, /takes 16 characters/],
    [
      'a digest of no text',
      { age: erased.digest() },
      /erased.digest\(\) is text, and the column is of type int\. Write null or a constant\./,
    ],
    ['an address in json', { data: erased.email() }, /of type jsonb/],
    [
      'nothing',
      { name: undefined },
      /nothing says what takes its place\. Write null, a constant, erased\.email\(\), erased\.digest\(\) or raw\(\)\./,
    ],
    ['a primary key', { id: 1 }, /part of the primary key/],
    ['a version', { version: 1 }, /written by the ORM/],
    ['what is none of a list', { kind: 'c' }, /"c" is none of a, b\. Write one of these\./],
  ])('refuses at start-up %s', (_what, fields, message) => {
    expect(() => start(personWith({ subject: true, fields: fields! }))).toThrow(SoftDeleteConfigError);
    expect(() => start(personWith({ subject: true, fields: fields! }))).toThrow(message);
  });

  it.each<[string, PersonalDataOptions, RegExp]>([
    ['an unknown way', { of: 'ownr', fields: {} }, /of: Owned has no property "ownr". Did you mean "owner"/],
    ['a way that is no to-one relation', { of: 'children' }, /Owned.children is not a to-one relation/],
    ['a way through a column', { of: 'text' }, /Owned.text is not a to-one relation/],
    ['a way that ends before a person', { of: 'parent' }, /"parent" leads to Owned, which is not a person/],
    ['a way that goes on behind a person', { of: 'owner.bio' }, /Subject.bio is not a to-one relation/],
    ['rows of nobody', { fields: { text: '' } }, /nothing says whose data its rows are/],
    [
      'a replaced property that is not personal',
      { of: 'owner', fields: { text: '' }, notPersonal: ['text'] },
      /text is/,
    ],
    ['an unknown property that is not personal', { of: 'owner', notPersonal: ['txt'] }, /notPersonal: Owned has no/],
    ['a row in place of another', { of: 'owner', fields: { parent: 7 } }, /7 is not a value for a relation/],
    ['a key that must not be null', { of: 'owner', fields: { owner: null } }, /NOT NULL/],
    [
      'a period that starts at no time',
      { of: 'owner', keep: { for: '1y', from: 'text', ground: 'g' } },
      /keep.from: Owned.text is not a time/,
    ],
  ])('refuses at start-up %s', (_what, options, message) => {
    expect(() => start(...rowsWith(options))).toThrow(SoftDeleteConfigError);
    expect(() => start(...rowsWith(options))).toThrow(message);
  });

  it('reads replacements as the database gets them, and ways as far as the person', () => {
    const orm = start(
      ...rowsWith({
        of: 'parent.owner',
        fields: { text: raw('left(text, ?)', [1]), parent: null },
        keep: { for: '10y', from: 'at', ground: '§147 AO' },
      }),
    );
    const [subject, owned] = PersonalDataCatalog.of(orm.em as never).all();
    expect(subject).toMatchObject({ isSubject: true, erasesRow: true, paths: [{ name: '', edges: [] }] });
    expect(owned).toMatchObject({
      isSubject: false,
      keep: {
        interval: '10 years',
        ground: '§147 AO',
        property: 'at',
        column: 'at',
        table: { className: 'Owned' },
      },
      paths: [
        {
          name: 'parent.owner',
          edges: [{ link: { columns: ['parent_id'] } }, { link: { columns: ['owner_id'] } }],
          fields: [
            { column: 'text', value: { kind: 'raw', sql: 'left(text, ?)', params: [1] } },
            { column: 'parent_id', value: { kind: 'null' } },
          ],
        },
      ],
    });
    const person = start(
      personWith({
        subject: true,
        fields: {
          email: erased.email(),
          grade: erased.digest(),
          bio: 'gone',
          data: { a: [1] },
          photo: Buffer.from('ab'),
          born: new Date(0),
        },
      }),
    );
    expect(
      PersonalDataCatalog.of(person.em as never)
        .all()[0]!
        .paths[0]!.fields.map(({ value }) => value),
    ).toEqual([
      { kind: 'email' },
      { kind: 'digest', length: 40 },
      { kind: 'constant', text: 'gone' },
      { kind: 'constant', text: '{"a":[1]}' },
      { kind: 'constant', text: '\\x6162' },
      { kind: 'constant', text: '1970-01-01T00:00:00.000Z' },
    ]);
  });

  it('knows of each column its table, its type, whether it is unique, and how it is read and written', () => {
    class Sealed extends Type<string, string> {
      override convertToDatabaseValueSQL = (value: string) => `seal(${value})`;
      override convertToJSValueSQL = (column: string) => `unseal(${column})`;
      override getColumnType = () => 'text';
    }
    class Patient {
      id!: number;
    }
    const schema = defineEntity({
      class: Patient as new () => any,
      properties: {
        id: p.integer().primary(),
        number: p.string().length(70).unique(),
        room: p.string().length(70),
        bed: p.string().length(70),
        illness: p.type(Sealed as never),
      },
      uniques: [{ properties: ['room', 'bed'] as never }],
    });
    const fields = { number: erased.digest(), room: 'x'.repeat(70), bed: null, illness: 'none' };
    const orm = start(personalData(schema as any, { subject: true, fields: { ...fields, bed: erased.digest() } }));
    const [patient] = PersonalDataCatalog.of(orm.em as never).all();
    const described = patient!.paths[0]!.fields;
    expect(
      described.map(({ name, table, column, type, isUnique, value }) => [
        name,
        table.className,
        column,
        type,
        isUnique,
        value.kind,
      ]),
    ).toEqual([
      ['number', 'Patient', 'number', 'varchar(70)', true, 'digest'],
      ['room', 'Patient', 'room', 'varchar(70)', false, 'constant'],
      ['bed', 'Patient', 'bed', 'varchar(70)', false, 'digest'],
      ['illness', 'Patient', 'illness', 'text', false, 'constant'],
    ]);
    expect(described.map(({ writtenBy, readBy }) => [writtenBy?.('v'), readBy?.('c')])).toEqual([
      [undefined, undefined],
      [undefined, undefined],
      [undefined, undefined],
      ['seal(v)', 'unseal(c)'],
    ]);
  });

  it('counts the characters of a constant as the database does', () => {
    const [described] = PersonalDataCatalog.of(
      start(personWith({ subject: true, fields: { nick: '👤'.repeat(10) } })).em as never,
    ).all();
    expect(described!.paths[0]!.fields[0]!.value).toEqual({ kind: 'constant', text: '👤'.repeat(10) });
    expect(() => start(personWith({ subject: true, fields: { nick: '👤'.repeat(11) } }))).toThrow(
      'has 11 characters, and the column holds 10',
    );
  });

  it('follows a way from either side of a one-to-one relation', () => {
    class Member {
      id!: number;
    }
    class Card {
      id!: number;
    }
    const Cards: any = defineEntity({
      class: Card as new () => any,
      properties: {
        id: p.integer().primary(),
        text: p.text(),
        member: () => p.oneToOne(Members).mappedBy('card'),
      } as any,
    });
    const Members: any = defineEntity({
      class: Member as new () => any,
      properties: { id: p.integer().primary(), card: () => p.oneToOne(Cards).owner().nullable() } as any,
    });
    const orm = start(
      personalData(Members, { subject: true, fields: { card: null } }),
      personalData(Cards, { of: 'member', fields: { text: '' } }),
    );
    const [member, card] = PersonalDataCatalog.of(orm.em as never).all();
    expect(member!.paths[0]!.fields).toMatchObject([{ column: 'card_id', isUnique: true, value: { kind: 'null' } }]);
    expect(card!.paths[0]!).toMatchObject({
      edges: [
        {
          name: 'Card.member',
          parent: { className: 'Member' },
          child: { className: 'Card' },
          policy: 'keep',
          link: { kind: 'parent-key', columns: ['card_id'], referenced: ['id'] },
        },
      ],
      subject: { className: 'Member' },
    });
  });

  it('is an ECMAScript decorator as well', async () => {
    // Type-checked separately, as ECMAScript decorators.
    const file: string = './personal-data.es.js';
    const { NoteOfPerson, Person } = (await import(file)) as Record<string, unknown>;
    const orm = start(Person, NoteOfPerson);
    expect(PersonalDataCatalog.of(orm.em as never).all()).toMatchObject([
      { isSubject: true, paths: [{ fields: [{ column: 'email' }] }] },
      { isSubject: false, erasesRow: true, paths: [{ name: 'person' }] },
    ]);
  });
});

@Embeddable()
class Address {
  @Property({ type: 'string', nullable: true })
  street?: string | null;

  @Property({ type: 'string', length: 2 })
  country!: string;
}

@Embeddable()
class Settings {
  @Property({ type: 'string' })
  theme!: string;
}

@Embeddable()
class Contact {
  @Embedded(() => Address)
  at!: Address;

  @Property({ type: 'string', nullable: true })
  phone?: string | null;
}

describe('@PersonalData() on embeddables', () => {
  /** A person whose columns come from embeddables, one of which is called as the option is. */
  type Fields = NonNullable<PersonalDataOptions['fields']>;

  const residentWith = (fields: Fields) => {
    class Resident {
      id!: number;
    }
    const schema = defineEntity({
      class: Resident as new () => any,
      properties: {
        id: p.integer().primary(),
        home: () => p.embedded(Address),
        contact: () => p.embedded(Contact),
        metafields: () => p.embedded(Contact),
        settings: () => p.embedded(Settings).object(),
        whole: p.text().generated('(upper(home_street)) stored'),
        passing: p.text().persist(false),
      } as any,
      uniques: [{ properties: ['home.street', 'home.country'] as never }],
    });
    return start(personalData(schema as any, { subject: true, fields: fields! }), Address, Contact, Settings);
  };
  const described = (fields: Fields) =>
    PersonalDataCatalog.of(residentWith(fields).em as never)
      .all()[0]!
      .paths[0]!.fields.map(({ column, value }) => [column, value.kind === 'constant' ? value.text : value.kind]);

  it.each<[string, Fields, [column: string, value: string][]]>([
    ['by its path', { 'home.street': null }, [['home_street', 'null']]],
    [
      'in an object',
      { home: { street: null, country: '??' } },
      [
        ['home_street', 'null'],
        ['home_country', '??'],
      ],
    ],
    [
      'within another embeddable',
      { contact: { phone: null, at: { street: 'gone' } } },
      [
        ['contact_phone', 'null'],
        ['contact_at_street', 'gone'],
      ],
    ],
    [
      'within one whose name ends like the option',
      { metafields: { at: { street: 'gone' } } },
      [['metafields_at_street', 'gone']],
    ],
    ['as a whole document', { settings: { theme: 'plain' } }, [['settings', '{"theme":"plain"}']]],
  ])('replaces a property %s', (_what, fields, expected) => {
    expect(described(fields)).toEqual(expected);
  });

  it.each<[string, Fields, RegExp]>([
    [
      'an unknown property',
      { home: { stret: null } },
      /fields\.home: Resident\.home has no property "stret"\. Did you mean "street"\?/,
    ],
    [
      'a property far from any',
      { home: { x: null } },
      /Resident\.home has no property "x"\. It has: street, country\./,
    ],
    ['what is no object', { home: 'gone' }, /fields\.home: "gone" cannot take the place of an embeddable/],
    [
      'null for a column that must have a value',
      { home: null },
      /fields\.home\.home_country: it is null, and the column is NOT NULL/,
    ],
    [
      'a part of a document',
      { 'settings.theme': 'x' },
      /settings is stored as one json document.*Name settings as a whole/s,
    ],
    ['a property of a column', { 'passing.length': 1 }, /Resident\.passing has no property "length"\. It has: none\./],
    ['a generated column', { whole: null }, /the database makes its value out of others\. Replace those instead\./],
    ['what is not stored', { passing: null }, /Resident\.passing has no column of its own\. Leave it out\./],
    [
      'constants in a unique key',
      { home: { street: 'gone', country: '??' } },
      /fields\.home_street: every erased row would have the same home_street and home_country, which are unique/,
    ],
  ])('refuses %s', (_what, fields, message) => {
    expect(() => residentWith(fields)).toThrow(message);
  });
});

@PersonalData<Party>({ subject: true, fields: { name: '[erased]', 'home.street': null } })
@SoftDeletable({ deletedBy: 'deletedBy' })
@Entity({ discriminatorColumn: 'type', discriminatorMap: { party: 'Party', staff: 'Staff', guest: 'Guest' } })
class Party extends SoftDeletableEntity {
  @PrimaryKey({ type: 'string' })
  id!: string;

  @Property({ type: 'string' })
  type!: string;

  @Property({ type: 'string' })
  name!: string;

  @Property({ type: 'string', nullable: true })
  deletedBy?: string | null;

  @Enum({ items: () => ['a', 'b'], type: 'string' })
  kind!: string;

  @Embedded(() => Address)
  home!: Address;

  @Embedded(() => Settings, { object: true })
  settings!: Settings;
}

@PersonalData<Staff>({ fields: { badge: erased.digest() } })
@Entity()
class Staff extends Party {
  @Property({ type: 'string', nullable: true })
  badge?: string | null;
}

@Entity()
class Guest extends Party {
  @Property({ type: 'text', nullable: true })
  wishes?: string | null;
}

@Entity()
class Visit {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Guest)
  guest!: Guest;
}

@NoPersonalData()
@Entity()
class Key {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @OneToOne(() => Staff)
  holder!: Staff;

  @Property({ type: 'string' })
  label!: string;
}

@PersonalData<Crew>({ subject: true, fields: {} })
@Entity({ discriminatorColumn: 'type' })
class Crew {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  type!: string;
}

@PersonalData<Boss>({ subject: true, fields: {} })
@Entity()
class Boss extends Crew {}

@PersonalData<Driver>({ subject: true, fields: { name: '', licence: null } as never })
@Entity({ inheritance: 'tpt' })
abstract class Driver {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  name!: string;
}

@Entity()
class Trucker extends Driver {
  @Property({ type: 'string', nullable: true })
  licence?: string | null;

  @ManyToOne(() => Person)
  chief!: object;
}

@PersonalData<Person>({ subject: true, fields: { name: '' } })
@Entity()
class Person {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  name!: string;
}

/** With another table than the class that it extends. */
@PersonalData<Player>({ subject: true, erase: 'row' })
@Entity()
class Player extends Person {}

@PersonalData<OfPerson>({ of: 'person', erase: 'row' })
abstract class OfPerson {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Person)
  person!: Person;
}

@Entity()
class Letter extends OfPerson {}

@Entity()
class Parcel extends OfPerson {}

@NoPersonalData()
@Entity({ discriminatorColumn: 'type' })
class Machine {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  type!: string;
}

@Entity()
class Truck extends Machine {
  @ManyToOne(() => Person)
  driver!: Person;
}

@PersonalData<Robot>({ fields: { name: '' } })
@Entity()
class Robot extends Machine {
  @Property({ type: 'string' })
  name!: string;
}

describe('@PersonalData() in hierarchies', () => {
  const read = (...entities: any[]) =>
    PersonalDataCatalog.of(start(...entities).em as never)
      .all()
      .map(({ meta, isSubject, erasesRow, paths }) => [
        meta.className,
        isSubject ? 'subject' : 'of a subject',
        erasesRow ? 'row' : 'fields',
        ...paths.flatMap(({ name, fields }) => [
          name,
          ...fields.map(({ table, column }) => `${table.className}.${column}`),
        ]),
      ])
      .toSorted();

  it('lets a class below a declared one say what becomes of its own properties', () => {
    expect(read(Party, Staff, Guest, Address, Settings)).toEqual([
      ['Party', 'subject', 'fields', '', 'Party.name', 'Party.home_street'],
      ['Staff', 'subject', 'fields', '', 'Staff.badge'],
    ]);
  });

  it('finds the properties of classes below, each in its own table', () => {
    expect(read(Driver, Trucker, Person)).toEqual([
      ['Driver', 'subject', 'fields', '', 'Driver.name', 'Trucker.licence'],
      ['Person', 'subject', 'fields', '', 'Person.name'],
    ]);
  });

  it('lets a base class without a table speak for each entity that inherits from it', () => {
    expect(read(Person, Letter, Parcel)).toEqual([
      ['Letter', 'of a subject', 'row', 'person'],
      ['Parcel', 'of a subject', 'row', 'person'],
      ['Person', 'subject', 'fields', '', 'Person.name'],
    ]);
  });

  it('refuses persons below persons, unless they are in tables of their own', () => {
    expect(() => start(Crew, Boss)).toThrow(
      '@PersonalData() on Boss, subject: its rows are already persons by the declaration of Crew.',
    );
    expect(read(Person, Player)).toEqual([
      ['Person', 'subject', 'fields', '', 'Person.name'],
      ['Player', 'subject', 'row', ''],
    ]);
  });

  it('takes what is not personal for all classes below, which cannot inherit whose rows they are', () => {
    expect(findUndeclared(start(Person, Machine, Truck).em as never)).toEqual([]);
    expect(() => start(Person, Machine, Robot)).toThrow('nothing says whose data its rows are');
  });

  it.each(['deletedAt', 'deletedBy', 'type'])('refuses to replace what somebody else writes: %s', (name) => {
    class Marked {
      id!: number;
    }
    const schema = defineEntity({
      class: Marked as new () => any,
      discriminatorColumn: 'type',
      properties: {
        id: p.integer().primary(),
        type: p.string(),
        deletedAt: p.datetime().nullable(),
        deletedBy: p.text().nullable(),
      } as any,
    });
    personalData(schema as any, { subject: true, fields: { [name]: name === 'type' ? '' : null } });
    expect(() => start(softDeletable(schema as any, { deletedBy: 'deletedBy' as never }))).toThrow(
      `fields.${name}: it is written by the ORM or by soft deletion, not by an erasure.`,
    );
  });

  it('refuses a part of an embeddable that is not personal as a whole', () => {
    class Mixed {
      id!: number;
    }
    const schema = defineEntity({
      class: Mixed as new () => any,
      properties: { id: p.integer().primary(), home: () => p.embedded(Address) } as any,
    });
    const options = { subject: true as const, fields: { 'home.street': null }, notPersonal: ['home'] };
    expect(() => start(personalData(schema as any, options as never), Address)).toThrow(
      'notPersonal: home_street is also among the fields that are replaced.',
    );
  });
});

const TEXT_TYPES =
  'text text[] CITEXT varchar varchar(20) char(3) bpchar name json jsonb xml hstore tsvector bytea inet cidr macaddr macaddr8 textual ltree'
    .split(' ')
    .concat('character varying(9)');
const OTHER_TYPES = ['int', 'numeric(10,2)', 'boolean', 'uuid', 'timestamptz', 'date', 'interval', 'point'];

describe(findUndeclared.name, () => {
  it('names entities with a key to a person, and columns that can hold what people write', () => {
    const orm = start(Party, Staff, Guest, Visit, Key, Address, Settings);
    expect(findUndeclared(orm.em as never)).toEqual([
      { entity: 'Party', properties: ['home_country', 'settings', 'wishes'] },
      { entity: 'Visit', properties: [] },
    ]);
  });

  it('asks for nothing of rows that go, and nothing of what is not personal', () => {
    const rows = rowsWith({ of: 'owner', erase: 'row' });
    expect(findUndeclared(start(...rows).em as never)).toEqual([]);
    const listed = rowsWith({ of: 'owner', notPersonal: ['text'] });
    expect(findUndeclared(start(...listed).em as never)).toEqual([]);
    expect(findUndeclared(start(...rowsWith({ of: 'owner' })).em as never)).toEqual([
      { entity: 'Owned', properties: ['text'] },
    ]);
  });

  it('asks for columns that can hold what people write, whatever their type, and for no others', () => {
    class Typed {
      id!: number;
    }
    const column = (type: string) => p.string().columnType(type).nullable();
    const schema = defineEntity({
      class: Typed as new () => any,
      properties: {
        id: p.text().primary(),
        ...Object.fromEntries(
          [...TEXT_TYPES, ...OTHER_TYPES].map((type) => [`c_${type.replaceAll(/\W/g, '_')}`, column(type)]),
        ),
        version: p.integer().version(),
        stored: p.text().generated('(upper(c_text)) stored'),
        computed: p.text().formula('upper(c_text)'),
        passing: p.text().persist(false),
        listed: p.enum(['a', 'b']),
        listedInDatabase: p.enum(['a', 'b']).nativeEnumName('letters'),
        deletedAt: p.datetime().columnType('timestamptz').nullable(),
        deletedBy: p.text().nullable(),
      } as any,
    });
    const typed = softDeletable(personalData(schema as any, { subject: true, fields: {} }), { deletedBy: 'deletedBy' });
    expect(findUndeclared(start(typed).em as never)).toEqual([
      { entity: 'Typed', properties: TEXT_TYPES.map((type) => `c_${type.replaceAll(/\W/g, '_')}`) },
    ]);
  });

  it('takes each person for itself', () => {
    class Other {
      id!: number;
    }
    class OfOther {
      id!: number;
    }
    const other = personalData(
      defineEntity({ class: Other as new () => any, properties: { id: p.integer().primary() } }) as any,
      { subject: true, fields: {} },
    );
    const ofOther = defineEntity({
      class: OfOther as new () => any,
      properties: { id: p.integer().primary(), other: () => p.manyToOne(other as any) },
    }) as any;
    const orm = start(...rowsWith({ of: 'owner' }, other, ofOther));
    const find = (name: string) =>
      findUndeclared(
        orm.em as never,
        [...orm.getMetadata()].find((m) => m.className === name),
      );
    expect(find('Subject')).toEqual([{ entity: 'Owned', properties: ['text'] }]);
    expect(find('Other')).toEqual([{ entity: 'OfOther', properties: [] }]);
    expect(find('OfOther')).toEqual([{ entity: 'OfOther', properties: [] }]);
    noPersonalData(ofOther);
    expect(findUndeclared(start(other, ofOther).em as never)).toEqual([]);
  });
});
