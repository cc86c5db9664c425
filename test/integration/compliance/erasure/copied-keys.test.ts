import type { Rel } from '@mikro-orm/core';
import { Entity, Enum, ManyToOne, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { NotFoundError } from '@mikro-orm/core';
import { erased, PersonalData } from 'nestjs-mikro-orm-soft-delete/compliance';
import { useErasures } from './use-erasures.js';

@PersonalData<Owner>({ subject: true, fields: { email: erased.email() } })
@Entity({ tableName: 'owner' })
class Owner {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string', unique: true })
  email!: string;
}

/** Its key is the address of the owner, and the database does not know that. */
@PersonalData<Mail>({ of: 'to', fields: { text: '-' } })
@Entity({ tableName: 'mail' })
class Mail {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Owner, { targetKey: 'email', createForeignKeyConstraint: false, nullable: true })
  to?: Rel<Owner> | null;

  @Property({ type: 'string' })
  text!: string;
}

/** The same with a foreign key, which follows. */
@PersonalData<Parcel>({ of: 'to', fields: { label: '-' } })
@Entity({ tableName: 'parcel' })
class Parcel {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Owner, { targetKey: 'email', updateRule: 'cascade' })
  to!: Rel<Owner>;

  @Property({ type: 'string' })
  label!: string;
}

@Entity({ tableName: 'party', discriminatorColumn: 'kind', abstract: true })
abstract class Party {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Enum({ items: ['guest', 'host'], type: 'string' })
  kind!: string;
}

@PersonalData<Guest>({ subject: true, fields: { wish: null } })
@Entity({ discriminatorValue: 'guest' })
class Guest extends Party {
  @Property({ type: 'string', nullable: true })
  wish?: string | null;
}

@PersonalData<Host>({ subject: true, fields: { address: null } })
@Entity({ discriminatorValue: 'host' })
class Host extends Party {
  @Property({ type: 'string', nullable: true })
  address?: string | null;
}

describe('An erasure and keys', () => {
  const test = useErasures([Owner, Mail, Parcel, Party, Guest, Host]);

  beforeEach(() =>
    test.database.query(`
      insert into owner (email) values ('ada@example.org'), ('bob@example.org');
      insert into party (kind, wish, address) values ('guest', 'window seat', null), ('host', null, 'Dorset Street 1')`),
  );

  it('that are copies of what is overwritten are followed by the database, or named as what is left', async () => {
    await test.database.query(`insert into parcel (to_id, label) values ('ada@example.org', 'fragile')`);
    expect(await test.erasures.erase(Owner, 1)).toMatchObject({ outcome: 'completed', residue: 0 });
    expect(await test.tablesWith('ada@example.org')).toEqual([]);
    await test.database.query(`insert into mail (to_id, text) values ('bob@example.org', 'hello')`);
    expect(await test.erasures.erase(Owner, 2)).toMatchObject({ outcome: 'partial', residue: 1 });
    expect(await test.tablesWith('bob@example.org')).toEqual(['mail']);
    await test.database.query('update mail set to_id = null');
    expect(await test.erasures.run()).toMatchObject([{ outcome: 'completed', residue: 0 }]);
  });

  it.each(['plan', 'erase', 'request'] as const)(
    'that belong to another class of a hierarchy are nobody to %s()',
    async (method) => {
      await expect(test.erasures[method](Guest, 2)).rejects.toThrow(NotFoundError);
      await test.erasures.request(Host, 2);
      await expect(test.erasures[method](Guest, 2)).rejects.toThrow('There is no Guest 2');
      expect(await test.rows('select outcome from erasure')).toEqual([{ outcome: null }]);
      expect(await test.erasures.erase(Host, 2)).toMatchObject({
        outcome: 'completed',
        entities: [{ entity: 'Party', overwritten: 1, fields: ['address'] }],
      });
      expect(await test.rows('select wish, address from party order by id')).toEqual([
        { wish: 'window seat', address: null },
        { wish: null, address: null },
      ]);
    },
  );
});
