import type { Rel } from '@mikro-orm/core';
import { Entity, ManyToOne, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import {
  createPurge,
  softDelete,
  SoftDeletable,
  SoftDeletableEntity,
  SoftDeleteRepository,
} from 'nestjs-mikro-orm-soft-delete';
import {
  complianceEntities,
  createCompliance,
  LegalHoldError,
  PersonalData,
} from 'nestjs-mikro-orm-soft-delete/compliance';
import type { Client } from 'pg';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

@PersonalData<Patient>({ subject: true, fields: { name: '[erased]' } })
@SoftDeletable({ guard: true, retention: '1d' })
@Entity()
class Patient extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @Property({ type: 'text' })
  name!: string;
}

/** Its key neither cascades nor belongs to a relation of the patient: only the declaration says whose it is. */
@PersonalData<Treatment>({ of: 'patient', erase: 'row' })
@SoftDeletable({ guard: true, retention: '1d' })
@Entity()
class Treatment extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @ManyToOne(() => Patient, { nullable: true, deleteRule: 'set null' })
  patient?: Rel<Patient> | null;
}

@PersonalData<Finding>({ of: 'treatment.patient', erase: 'row' })
@SoftDeletable({ guard: true, retention: '1d' })
@Entity()
class Finding extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @ManyToOne(() => Treatment)
  treatment!: Rel<Treatment>;
}

describe('A hold on the subject of personal data', () => {
  let test: TestOrm;
  let client: Client;

  beforeAll(async () => {
    test = await createTestOrm(
      [Patient, Treatment, Finding, ...complianceEntities()],
      { extensions: [softDelete()] },
      false,
    );
  });
  beforeAll(async () => {
    client = await test.database.connect();
  });
  afterAll(async () => {
    await client.end();
    await test.close();
  });
  beforeEach(async () => {
    await test.database.query(`
      set session_replication_role = replica;
      truncate patient, treatment, finding, legal_hold, legal_hold_row;
      set session_replication_role = default;
      insert into patient (id, name, deleted_at) values (1, 'Ada', '2020-01-01'), (2, 'Bob', '2020-01-01');
      insert into treatment (id, patient_id, deleted_at) values (1, 1, '2020-01-01'), (2, 2, '2020-01-01');
      insert into finding (id, treatment_id, deleted_at) values (1, 1, '2020-01-01'), (2, 2, '2020-01-01')`);
    await createCompliance(test.orm).holds.place({ name: 'malpractice', reason: 'case 7', on: [[Patient, 1]] });
  });

  const left = async (table: string) =>
    (await test.database.query(`select id from ${table} order by id`)).map(({ id }) => id as number);

  it('covers rows that are declared as the subject’s, from the purge and from hardDelete()', async () => {
    const findings = new SoftDeleteRepository(test.orm.em.fork(), Finding);
    await expect(findings.hardDelete({ id: 1 })).rejects.toThrow(LegalHoldError);
    const { entities } = await createPurge(test.orm).run();
    expect(entities.map(({ entity, purged, held }) => [entity, purged, held]).sort()).toEqual([
      ['Finding', 1, 1],
      ['Patient', 1, 1],
      ['Treatment', 1, 1],
    ]);
    expect([await left('patient'), await left('treatment'), await left('finding')]).toEqual([[1], [1], [1]]);
  });

  it('covers them from a raw DELETE that the guard would let pass', async () => {
    const remove = async (table: string, id: number) => {
      try {
        await client.query(`begin; select set_config('soft_delete.physical_delete', 'allowed', true)`);
        const { rowCount } = await client.query(`delete from ${table} where id = ${id}`);
        return rowCount;
      } finally {
        await client.query('rollback');
      }
    };
    for (const table of ['patient', 'treatment', 'finding']) {
      await expect(remove(table, 1)).rejects.toThrow(/malpractice/);
    }
    expect(await remove('finding', 2)).toBe(1);
  });
});
