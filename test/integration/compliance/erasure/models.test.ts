import { raw, Type, type Rel } from '@mikro-orm/core';
import { Embeddable, Embedded, Entity, ManyToOne, OneToOne, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { SoftDeletable, SoftDeletableEntity } from 'nestjs-mikro-orm-soft-delete';
import { erased, ErasureService, NoPersonalData, PersonalData } from 'nestjs-mikro-orm-soft-delete/compliance';
import { useErasures } from './use-erasures.js';

/** Kept in the database as `person-1`. */
class PrefixedId extends Type<number, string> {
  override convertToDatabaseValue = (id: number) => `person-${id}`;
  override convertToJSValue = (text: number | string) => Number(String(text).slice('person-'.length));
  override getColumnType = () => 'text';
}

/** Kept backwards. */
class Secret extends Type<string, string> {
  override convertToDatabaseValue = (text: string) => Array.from(text).toReversed().join('');
  override convertToJSValue = (text: string) => Array.from(text).toReversed().join('');
  override getColumnType = () => 'text';
}

@Embeddable()
class Address {
  @Property({ type: 'string', nullable: true })
  street?: string | null;

  @Property({ type: 'string' })
  town!: string;
}

/** Single table. The row goes, if nothing that stays points at it. */
@PersonalData<Person>({
  subject: true,
  erase: 'row',
  fields: { name: '[erased]', 'home.street': null, 'home.town': '-' },
})
@SoftDeletable()
@Entity({
  tableName: 'person',
  discriminatorColumn: 'kind',
  discriminatorMap: { person: 'Person', artist: 'Artist' },
})
class Person extends SoftDeletableEntity {
  @PrimaryKey({ type: PrefixedId })
  id!: number;

  @Property({ type: 'string' })
  kind!: string;

  @Property({ type: 'string' })
  name!: string;

  @Embedded(() => Address)
  home!: Address;
}

@PersonalData<Artist>({ fields: { stageName: erased.digest() } })
@Entity()
class Artist extends Person {
  @Property({ type: 'string', length: 20, nullable: true })
  stageName?: string | null;
}

/** Points at persons by a key that may be null. */
@PersonalData<Card>({
  of: 'holder',
  fields: { secret: '[gone]', initials: raw(`upper(left("initials", 1)) || ?`, ['.']) },
})
@Entity({ tableName: 'card' })
class Card {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Person, { nullable: true, deleteRule: 'cascade' })
  holder?: Rel<Person> | null;

  @Property({ type: Secret })
  secret!: string;

  @Property({ type: 'string' })
  initials!: string;
}

/** Points at persons by a key that must not be null, and is kept. */
@PersonalData<Contract>({ of: 'signer', fields: { terms: '-' }, keep: { for: '1y', from: 'signedOn', ground: 'law' } })
@Entity({ tableName: 'contract' })
class Contract {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Person, { nullable: true, deleteRule: 'set null' })
  signer?: Rel<Person> | null;

  @Property({ type: 'string' })
  terms!: string;

  @Property({ columnType: 'date', type: 'string' })
  signedOn!: string;
}

@NoPersonalData()
@Entity({ tableName: 'seat' })
class Seat {
  @ManyToOne(() => Person, { primary: true })
  person!: Rel<Person>;

  @PrimaryKey({ type: 'number' })
  row!: number;
}

/** Belongs to the seat of a person, by its composite key. */
@PersonalData<Ticket>({ of: 'seat.person', erase: 'row' })
@Entity({ tableName: 'seat_ticket' })
class Ticket {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Seat)
  seat!: Rel<Seat>;

  @Property({ type: 'string' })
  label!: string;
}

/** A table for each type; archived when deleted. */
@PersonalData<Work>({ of: 'author', fields: { title: null }, notPersonal: ['style'] })
@SoftDeletable({ strategy: 'archive' })
@Entity({ tableName: 'work', inheritance: 'tpt' })
abstract class Work {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Person, { nullable: true, deleteRule: 'set null' })
  author?: Rel<Person> | null;

  @Property({ type: 'string', nullable: true })
  title?: string | null;

  @Property({ type: 'string', nullable: true })
  style?: string | null;
}

@PersonalData<Song>({
  fields: { lyrics: raw(`'la ' || length("lyrics")::text`) },
  keep: { for: '1y', from: 'sungAt', ground: 'fame' },
})
@Entity({ tableName: 'song' })
class Song extends Work {
  @Property({ type: 'text' })
  lyrics!: string;

  @Property({ type: 'datetime' })
  sungAt!: Date;
}

/** The person's row holds the key. */
@PersonalData<Profile>({ of: 'account', fields: { about: '' } })
@Entity({ tableName: 'profile' })
class Profile {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @OneToOne(() => Account, (account) => account.profile)
  account?: Rel<Account>;

  @Property({ type: 'string' })
  about!: string;
}

@PersonalData<Account>({ subject: true, fields: { login: erased.email() } })
@Entity({ tableName: 'account' })
class Account {
  @PrimaryKey({ type: 'string', columnType: 'char(4)' })
  realm!: string;

  @PrimaryKey({ type: 'number' })
  number!: number;

  @Property({ type: 'string', unique: true })
  login!: string;

  @OneToOne(() => Profile, (profile) => profile.account, { owner: true, nullable: true })
  profile?: Rel<Profile> | null;
}

/** Point at persons by keys that the database does not know. */
@PersonalData<Diary>({ of: 'owner', fields: { page: '-' } })
@SoftDeletable()
@Entity({ tableName: 'diary' })
class Diary extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  /** Named like the key of a card, which the database knows. */
  @ManyToOne(() => Person, { nullable: true, createForeignKeyConstraint: false, fieldName: 'holder_id' })
  owner?: Rel<Person> | null;

  @Property({ type: 'string' })
  page!: string;
}

@NoPersonalData()
@Entity({ tableName: 'pledge' })
class Pledge {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Person, { createForeignKeyConstraint: false })
  giver!: Rel<Person>;
}

/** A person who is archived when deleted. */
@PersonalData<Member>({
  subject: true,
  fields: { email: erased.email(), name: '[erased]', nick: null, photo: null, motto: 'none' },
})
@SoftDeletable({ strategy: 'archive' })
@Entity({ tableName: 'member' })
class Member {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string', unique: true })
  email!: string;

  @Property({ type: 'string' })
  name!: string;

  @Property({ type: 'string', nullable: true })
  nick?: string | null;

  @Property({ type: 'blob', nullable: true })
  photo?: Buffer | null;

  @Property({ type: 'string', nullable: true })
  motto?: string | null;

  @OneToOne(() => Pass, (pass) => pass.holder, { owner: true, nullable: true, unique: false, deleteRule: 'set null' })
  pass?: Rel<Pass> | null;
}

/** The person's row holds the key, and both may be archived. */
@PersonalData<Pass>({ of: 'holder', fields: { label: null } })
@SoftDeletable({ strategy: 'archive' })
@Entity({ tableName: 'pass' })
class Pass {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @OneToOne(() => Member, (member) => member.pass)
  holder?: Rel<Member>;

  @Property({ type: 'string', nullable: true })
  label?: string | null;
}

/** Archived, with a key of several columns. */
@PersonalData<Login>({ of: 'account', fields: { device: null } })
@SoftDeletable({ strategy: 'archive' })
@Entity({ tableName: 'login' })
class Login {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Account)
  account!: Rel<Account>;

  @Property({ type: 'string', nullable: true })
  device?: string | null;
}

/** A person known by a time, whose text in the archive is another one than in a key. */
@PersonalData<Call>({ subject: true, fields: { caller: null } })
@Entity({ tableName: 'call' })
class Call {
  @PrimaryKey({ type: 'timestamptz' })
  at!: Date;

  @Property({ type: 'string', nullable: true })
  caller?: string | null;
}

@PersonalData<Transcript>({ of: 'call', fields: { words: null } })
@SoftDeletable({ strategy: 'archive' })
@Entity({ tableName: 'transcript' })
class Transcript {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Call)
  call!: Rel<Call>;

  @Property({ type: 'string', nullable: true })
  words?: string | null;
}

const MODEL = [
  Person,
  Artist,
  Card,
  Contract,
  Seat,
  Ticket,
  Work,
  Song,
  Profile,
  Account,
  Diary,
  Pledge,
  Member,
  Pass,
  Login,
  Call,
  Transcript,
];

describe(`${ErasureService.name} and kinds of entities`, () => {
  const test = useErasures(MODEL);
  const planted = `
    insert into person (id, kind, name, home_street, home_town, stage_name) values
      ('person-1', 'artist', 'Ella Fitzgerald', 'Harlem 7', 'Yonkers', 'First Lady of Song'),
      ('person-2', 'person', 'Billie Holiday', null, 'Baltimore', null);
    insert into seat (person_id, row) values ('person-1', 4), ('person-2', 4);
    insert into seat_ticket (seat_person_id, seat_row, label) values ('person-1', 4, 'for Ella'), ('person-2', 4, 'for Billie')`;
  beforeEach(() => test.rows(planted));

  it('removes the row of a person with what lies behind it, where nothing that stays points at it', async () => {
    await test.rows(`delete from seat_ticket; delete from seat`);
    await test.rows(`insert into card (holder_id, secret, initials) values ('person-1', 'egap', 'ef')`);
    expect(await test.erasures.erase(Person, 1)).toMatchObject({
      subject: { entity: 'Person', key: 1 },
      outcome: 'completed',
      entities: [
        { entity: 'Card', overwritten: 1, fields: ['secret', 'initials'] },
        { entity: 'Person', deleted: 1 },
      ],
    });
    // Its key would have dragged it along.
    expect(await test.rows('select holder_id, secret, initials from card')).toEqual([
      { holder_id: null, secret: ']enog[', initials: 'E.' },
    ]);
    expect(await test.erasures.erase(Person, 1)).toMatchObject({
      outcome: 'completed',
      entities: [{}, { deleted: 1 }],
    });
    expect(await test.rows('select id from person')).toEqual([{ id: 'person-2' }]);
  });

  it('overwrites a person that must stay, whose seat points at it, with what classes below declare', async () => {
    const certificate = await test.erasures.erase(Artist, 1 as never);
    expect(certificate).toMatchObject({
      outcome: 'completed',
      entities: [
        { entity: 'Person', deleted: 0, overwritten: 1, kept: [] },
        { entity: 'Ticket', deleted: 1 },
      ],
    });
    expect(await test.rows(`select name, home_street, home_town, stage_name from person order by id`)).toEqual([
      { name: '[erased]', home_street: null, home_town: '-', stage_name: expect.stringMatching(/^[0-9a-f]{20}$/) },
      { name: 'Billie Holiday', home_street: null, home_town: 'Baltimore', stage_name: null },
    ]);
    expect(await test.rows('select label from seat_ticket')).toEqual([{ label: 'for Billie' }]);
  });

  it('leaves a person in place at whom a kept row points, though the database would clear the key', async () => {
    await test.rows(`delete from seat_ticket; delete from seat`);
    await test.rows(
      `insert into contract (signer_id, terms, signed_on) values ('person-1', 'Ella sings', current_date)`,
    );
    expect(await test.erasures.erase(Person, 1)).toMatchObject({
      outcome: 'partial',
      entities: [
        { entity: 'Contract', kept: [{ key: 1, ground: 'law', until: expect.any(Date) }] },
        { entity: 'Person', deleted: 0, overwritten: 1 },
      ],
    });
    expect(await test.rows('select signer_id, terms from contract')).toEqual([
      { signer_id: 'person-1', terms: 'Ella sings' },
    ]);
    await test.rows(`update contract set signed_on = '2000-01-01'`);
    expect(await test.erasures.run()).toMatchObject([{ outcome: 'completed', residue: 0 }]);
    expect(await test.rows('select id from person')).toEqual([{ id: 'person-2' }]);
    expect(await test.rows('select signer_id, terms from contract')).toEqual([{ signer_id: null, terms: '-' }]);
  });

  it('overwrites tables of a table-per-type hierarchy, and what the archive has of them, as long as nothing is kept', async () => {
    await test.rows(`
      insert into work (id, author_id, title, style) values (1, 'person-1', 'Mack the Knife', 'swing'), (2, 'person-1', 'How High the Moon', 'bop');
      insert into song (id, lyrics, sung_at) values (1, 'Oh the shark has pretty teeth', '2000-01-01'), (2, 'Somewhere there is music', now())`);
    await test.repo(Song).softDelete(1);
    await test.repo(Song).softDelete(2);
    expect(await test.erasures.erase(Person, 1)).toMatchObject({
      outcome: 'partial',
      entities: [
        {},
        {},
        { entity: 'Work', overwritten: 1, fields: ['lyrics', 'title'], kept: [{ key: 2, ground: 'fame' }] },
      ],
    });
    expect(await test.tablesWith('shark')).toEqual([]);
    expect(await test.tablesWith('Mack the Knife')).toEqual([]);
    expect(await test.tablesWith('somewhere there')).toEqual(['deletion_archive']);
    await test.repo(Song).restore(1);
    expect(await test.rows('select title, style, lyrics from work join song using (id)')).toEqual([
      { title: null, style: 'swing', lyrics: 'la 29' },
    ]);
  });

  it('follows a key of the person, and keys of several columns', async () => {
    await test.rows(`
      insert into profile (id, about) values (1, 'I am Count Basie'), (2, 'I am nobody');
      insert into account (realm, number, login, profile_id) values ('a', 1, 'count@basie.org', 1), ('b', 1, 'no@body.org', 2)`);
    const certificate = await test.erasures.erase(Account, ['a', 1] as never);
    expect(certificate).toMatchObject({
      outcome: 'completed',
      subject: { entity: 'Account', key: ['a   ', 1] },
      entities: [
        { entity: 'Account', overwritten: 1 },
        { entity: 'Profile', overwritten: 1 },
      ],
    });
    expect(await test.rows('select about from profile order by id')).toEqual([{ about: '' }, { about: 'I am nobody' }]);
    expect(await test.rows('select login from account order by realm')).toEqual([
      { login: expect.stringMatching(/^erased-.*invalid$/) },
      { login: 'no@body.org' },
    ]);
    expect(await test.tablesWith('basie')).toEqual([]);
    expect(await test.erasures.entries()).toMatchObject([{ fingerprint: { unique: ['login'] } }]);
  });

  it('erases what was archived of a person, who then goes', async () => {
    await test.rows(`insert into work (id, author_id, title) values (1, 'person-1', 'A-Tisket')`);
    await test.rows(
      `insert into song (id, lyrics, sung_at) values (1, 'A-Tasket, a green and yellow basket', '2000-01-01')`,
    );
    await test.repo(Song).softDelete(1);
    await test.rows(`delete from seat_ticket; delete from seat`);
    expect(await test.erasures.erase(Person, 1)).toMatchObject({ outcome: 'completed' });
    expect(await test.tablesWith('A-Tasket')).toEqual([]);
  });

  describe('a person whose row is to go', () => {
    beforeEach(() => test.rows(`delete from seat_ticket; delete from seat`));
    const persons = async () => (await test.rows('select id, name from person order by id')).map(({ name }) => name);

    it('loses keys that the database does not know, as long as they may be null', async () => {
      await test.rows(`insert into diary (holder_id, page) values ('person-1', 'a'), ('person-2', 'b'), (null, 'c')`);
      await test.erasures.erase(Person, 1);
      expect(await persons()).toEqual(['Billie Holiday']);
      expect(await test.rows('select holder_id, page from diary order by id')).toEqual([
        { holder_id: null, page: '-' },
        { holder_id: 'person-2', page: 'b' },
        { holder_id: null, page: 'c' },
      ]);
      await test.rows(`insert into pledge (giver_id) values ('person-2')`);
      expect(await test.erasures.erase(Person, 2)).toMatchObject({ outcome: 'completed' });
      expect(await persons()).toEqual(['[erased]']);
      expect(await test.rows('select giver_id from pledge')).toEqual([{ giver_id: 'person-2' }]);
    });

    it.each([
      ['stays where a table that the ORM does not map points at it', '', ['[erased]', 'Billie Holiday'], 'person-1'],
      ['goes where the database clears such a key', 'on delete set null', ['Billie Holiday'], null],
    ])('%s', async (_what, rule, left, key) => {
      await test.rows(`create table guest (person text references person (id) ${rule}, id int primary key);
        insert into guest values ('person-1', 1)`);
      try {
        expect(await test.erasures.erase(Person, 1)).toMatchObject({ outcome: 'completed' });
        expect(await persons()).toEqual(left);
        expect(await test.rows('select person from guest')).toEqual([{ person: key }]);
      } finally {
        await test.rows('drop table guest');
      }
    });

    it('stays while a held row points at it, whatever becomes of the key', async () => {
      await test.rows(`insert into diary (holder_id, page) values ('person-1', 'a')`);
      const { id } = await test.holds.place({ name: 'case', reason: 'r', on: [[Diary, 1]] });
      await test.erasures.erase(Person, 1);
      expect(await persons()).toEqual(['[erased]', 'Billie Holiday']);
      expect(await test.rows('select holder_id, page from diary')).toEqual([{ holder_id: 'person-1', page: 'a' }]);
      await test.holds.release(id, { reason: 'over' });
      await test.erasures.run();
      expect(await persons()).toEqual(['Billie Holiday']);
      expect(await test.rows('select holder_id, page from diary')).toEqual([{ holder_id: null, page: '-' }]);
    });
  });

  it.each([
    ['active', []],
    ['archived as the person is', [Member, Pass]],
  ])('follows a key that the row of the person holds: %s', async (_where, archived) => {
    await test.rows(`insert into pass (label) values ('of Anita'), ('of Bea');
      insert into member (email, name, pass_id) values ('a@example.org', 'Anita O', 1), ('b@example.org', 'Bea B', 2)`);
    // What points at a row loses its key when that is archived, so the person goes first.
    for (const entity of archived) {
      await test.repo<any>(entity).softDelete([1, 2]);
    }
    const { outcome, entities } = await test.erasures.erase(Member, 1);
    expect([outcome, entities.find(({ entity }) => entity === 'Pass')?.overwritten]).toEqual(['completed', 1]);
    expect(await test.tablesWith('of Anita')).toEqual([]);
    expect(await test.tablesWith('of Bea')).toEqual([archived.includes(Pass as never) ? 'deletion_archive' : 'pass']);
  });

  it('follows keys of several columns into the archive', async () => {
    await test.rows(`insert into account (realm, number, login) values ('a', 1, 'one@x.org'), ('a', 2, 'two@x.org'), ('b', 1, 'three@x.org');
      insert into login (account_realm, account_number, device) values ('a', 1, 'phone of one'), ('a', 2, 'phone of two'), ('b', 1, 'phone of three')`);
    await test.repo(Login).softDelete([1, 2, 3]);
    expect(await test.erasures.erase(Account, ['a', 1] as never)).toMatchObject({ outcome: 'completed', residue: 0 });
    expect(await test.rows(`select data ->> 'device' as device from deletion_archive order by key`)).toEqual([
      { device: null },
      { device: 'phone of two' },
      { device: 'phone of three' },
    ]);
  });

  it('follows keys whose text in the archive is another one', async () => {
    await test.rows(`insert into call values ('2026-01-31T10:00:00.123Z', 'Ada'), ('2026-01-31T10:00:00.124Z', 'Bob');
      insert into transcript (call_at, words) values ('2026-01-31T10:00:00.123Z', 'hello from Ada'), ('2026-01-31T10:00:00.124Z', 'hello from Bob')`);
    await test.repo(Transcript).softDelete([1, 2]);
    const at = new Date('2026-01-31T10:00:00.123Z');
    expect(await test.erasures.erase(Call, at as never)).toMatchObject({ outcome: 'completed', residue: 0 });
    expect(await test.rows(`select data ->> 'words' as words from deletion_archive order by key`)).toEqual([
      { words: null },
      { words: 'hello from Bob' },
    ]);
  });

  it.each([
    ['in its table', false],
    ['in the archive', true],
  ])('knows a person again by what it said of itself, %s', async (_where, isArchived) => {
    await test.rows(`insert into member (email, name, nick, photo, motto) values
      ('a@example.org', 'Anita', null, 'abc', 'onward'), ('erased-0@erased.invalid', '[erased]', null, null, 'none'),
      ('c@example.org', '[erased]', 'Cab', null, null)`);
    for (const id of [1, 2, 3]) {
      if (isArchived) {
        await test.repo(Member).softDelete(id);
      }
      await test.erasures.erase(Member, id);
    }
    const known = (await test.erasures.entries()).map(({ fingerprint }) => Object.keys(fingerprint.hashes).toSorted());
    // Not by what is binary, by nothing, or by what an erasure leaves.
    expect(known).toEqual([['email', 'motto', 'name'], isArchived ? [] : ['email'], ['email', 'nick']]);
    expect(await test.tablesWith('Anita')).toEqual([]);
    expect(await test.tablesWith('c@example.org')).toEqual([]);
  });
});
