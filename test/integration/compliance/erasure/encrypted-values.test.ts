import { Type } from '@mikro-orm/core';
import { Entity, ManyToOne, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import type { Rel } from '@mikro-orm/core';
import { SoftDeletable } from 'nestjs-mikro-orm-soft-delete';
import { erased, PersonalData } from 'nestjs-mikro-orm-soft-delete/compliance';
import { useErasures } from './use-erasures.js';

/** Encrypted by the database: never twice the same. */
class Encrypted extends Type<string, string> {
  override convertToDatabaseValueSQL(value: string) {
    return `pgp_sym_encrypt(${value}, 'key')`;
  }
  override convertToJSValueSQL(column: string) {
    return `pgp_sym_decrypt(${column}, 'key')`;
  }
  override getColumnType() {
    return 'bytea';
  }
}

@PersonalData<Patient>({
  subject: true,
  fields: { name: '[erased]', insurance: erased.digest(), complaint: null },
  notPersonal: ['room'],
})
@Entity({ tableName: 'patient' })
class Patient {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: Encrypted })
  name!: string;

  @Property({ type: Encrypted })
  insurance!: string;

  @Property({ type: Encrypted, nullable: true })
  complaint?: string | null;

  @Property({ type: 'text', nullable: true })
  room?: string | null;
}

@PersonalData<Finding>({ of: 'patient', fields: { text: '-' } })
@SoftDeletable({ strategy: 'archive' })
@Entity({ tableName: 'finding' })
class Finding {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Patient)
  patient!: Rel<Patient>;

  @Property({ type: Encrypted })
  text!: string;
}

describe('An erasure of values that a type writes and reads by SQL', () => {
  const test = useErasures([Patient, Finding], {}, 'create extension pgcrypto');
  const encrypt = (text: string) => `pgp_sym_encrypt('${text}', 'key')`;

  beforeEach(async () => {
    await test.database.query(`
      insert into patient (name, insurance, complaint, room) values
        (${encrypt('Ada Lovelace')}, ${encrypt('A-1815')}, ${encrypt('headache')}, null), (${encrypt('Bob')}, ${encrypt('B-1')}, null, null);
      insert into finding (patient_id, text) values (1, ${encrypt('nothing unusual')}), (1, ${encrypt('better now')}), (2, ${encrypt('fine')})`);
    await test.repo(Finding).softDelete(2);
  });

  it('puts replacements in their place that the type can read, in tables and in the archive', async () => {
    expect(await test.erasures.erase(Patient, 1)).toMatchObject({ outcome: 'completed', residue: 0 });
    expect(
      await test.rows(
        `select pgp_sym_decrypt(name, 'key') as name, pgp_sym_decrypt(insurance, 'key') ~ '^[0-9a-f]{64}$' as digest, complaint from patient order by id`,
      ),
    ).toEqual([
      { name: '[erased]', digest: true, complaint: null },
      { name: 'Bob', digest: false, complaint: null },
    ]);
    expect(await test.rows(`select pgp_sym_decrypt(text, 'key') as text from finding order by id`)).toEqual([
      { text: '-' },
      { text: 'fine' },
    ]);
    expect(
      await test.rows(`select pgp_sym_decrypt((data ->> 'text')::bytea, 'key') as text from deletion_archive`),
    ).toEqual([{ text: '-' }]);
    expect(await test.fork().findOneOrFail(Patient, 1)).toMatchObject({ name: '[erased]' });
  });

  it('changes nothing when it is done again', async () => {
    await test.erasures.erase(Patient, 1);
    const before = await test.rows('select name, insurance from patient union all select text, text from finding');
    const archived = await test.rows('select data from deletion_archive');
    expect(await test.erasures.run()).toEqual([]);
    expect(await test.erasures.erase(Patient, 1)).toMatchObject({ outcome: 'completed', residue: 0 });
    expect(await test.rows('select name, insurance from patient union all select text, text from finding')).toEqual(
      before,
    );
    expect(await test.rows('select data from deletion_archive')).toEqual(archived);
  });

  it('finds them where they are written in the clear', async () => {
    await test.database.query(`update patient set room = 'of Ada Lovelace' where id = 1`);
    expect(await test.erasures.erase(Patient, 1)).toMatchObject({ outcome: 'partial', residue: 1 });
  });
});
