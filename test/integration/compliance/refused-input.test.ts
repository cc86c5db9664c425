import { Entity, PrimaryKey } from '@mikro-orm/decorators/legacy';
import {
  runInScope,
  SoftDeletable,
  SoftDeletableEntity,
  type SoftDeleteRepository,
} from 'nestjs-mikro-orm-soft-delete';
import {
  complianceEntities,
  complianceTablesSql,
  createCompliance,
  PersonalData,
  withDeletionContext,
} from 'nestjs-mikro-orm-soft-delete/compliance';
import { getInstallation } from '../../../lib/installation/installation.js';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

@PersonalData({ subject: true })
@SoftDeletable()
@Entity({ tableName: 'numbered' })
class Numbered extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;
}

@PersonalData({ subject: true })
@SoftDeletable()
@Entity({ tableName: 'identified' })
class Identified extends SoftDeletableEntity {
  @PrimaryKey({ type: 'uuid' })
  id!: string;
}

@PersonalData({ subject: true })
@SoftDeletable()
@Entity({ tableName: 'dated' })
class Dated extends SoftDeletableEntity {
  @PrimaryKey({ type: 'date' })
  day!: string;

  @PrimaryKey({ type: 'bigint' })
  number!: string;
}

describe('What no database could read', () => {
  let test: TestOrm;
  let compliance: ReturnType<typeof createCompliance>;
  const UUID = '9b2f2c50-6a4e-4d0e-9b38-3a3f1f6f2f11';

  beforeAll(async () => {
    test = await createTestOrm([Numbered, Identified, Dated, ...complianceEntities()]);
    compliance = createCompliance(test.orm);
    await test.database.query(`insert into numbered values (1); insert into identified values ('${UUID}')`);
  });
  afterAll(() => test.close());

  const KEYS: [new () => object, unknown][] = [
    ...['abc', 3_000_000_000, 1.5, Number.NaN, '', [], [1, 2], true, '1\0', Infinity, new Date(), {}].map(
      (key): [new () => object, unknown] => [Numbered, key],
    ),
    ...['abc', 7, '', `${UUID}0`, UUID.replace('9', 'g')].map((key): [new () => object, unknown] => [Identified, key]),
    ...[
      ['2025-01-01'],
      ['soon', '1'],
      ['2025-01-01', '9223372036854775808'],
      '2025-01-01',
      ['2025-01-01', '1', '2'],
    ].map((key): [new () => object, unknown] => [Dated, key]),
  ];

  it.each(KEYS)('is not a key of %p: %p', async (entity, key) => {
    const { log, holds, erasures } = compliance;
    for (const ask of [
      () => log.of(entity, key as never),
      () => holds.of(entity, key),
      () => holds.place({ name: 'n', reason: 'r', on: [[entity, key]] }),
      () => erasures.plan(entity, key as never),
      () => erasures.erase(entity, key as never),
      () => erasures.request(entity, key as never),
    ]) {
      await expect(ask()).rejects.toMatchObject({
        code: 'SOFT_DELETE_CONFIG',
        message: expect.stringContaining(`is not a key of ${entity.name}`),
      });
    }
    expect(await test.database.query('select 1 from erasure union all select 1 from legal_hold')).toEqual([]);
  });

  it('leaves the transaction around it as it is', async () => {
    await test.orm.em.fork().transactional(async (em) => {
      await expect(compliance.log.of(Numbered, 'abc' as never)).rejects.toThrow('is not a key of Numbered');
      await expect(compliance.holds.of(Identified, 'abc')).rejects.toThrow('is not a key of Identified');
      expect(await em.execute('select 1 as one')).toEqual([{ one: 1 }]);
    });
  });

  it.each<[string, () => Promise<unknown>]>([
    ['log.of()', () => compliance.log.of(Dated, ['soon', '1'] as never)],
    ['holds.of()', () => compliance.holds.of(Dated, ['soon', '1'])],
    ['holds.place()', () => compliance.holds.place({ name: 'n', reason: 'r', on: [[Dated, ['soon', '1']]] })],
    ['erasures.plan()', () => compliance.erasures.plan(Dated, ['soon', '1'] as never)],
    ['erasures.request()', () => compliance.erasures.request(Dated, ['soon', '1'] as never)],
    ['erasures.erase()', () => compliance.erasures.erase(Dated, ['soon', '1'] as never)],
  ])('leaves it as it is where only PostgreSQL can tell, for %s', async (_what, ask) => {
    await test.orm.em.fork().transactional(async (em) => {
      await expect(ask()).rejects.toThrow('is not a key of Dated');
      expect(await em.execute('select 1 as one')).toEqual([{ one: 1 }]);
    });
  });

  it('reads keys that are written in another way', async () => {
    const { erasures } = compliance;
    expect(await erasures.plan(Identified, `{${UUID.toUpperCase().replaceAll('-', '')}}`)).toMatchObject({
      subject: { key: UUID },
    });
    expect(await erasures.plan(Numbered, '1' as never)).toMatchObject({ subject: { key: 1 } });
  });

  it('is no reason and nobody', async () => {
    const repository = test.orm.em.fork().getRepository(Numbered) as unknown as SoftDeleteRepository<Numbered>;
    const { holds, erasures, log } = compliance;
    const bad = 'a\0b';
    for (const write of [
      () => repository.softDelete(1, { reason: bad }),
      () => repository.softDelete(1, { actor: bad }),
      () => repository.hardDelete(1, { reason: bad }),
      () => holds.place({ name: bad, reason: 'r', on: [[Numbered, 1]] }),
      () => holds.place({ name: 'n', reason: bad, on: [[Numbered, 1]] }),
      () => erasures.request(Numbered, 1, { reason: bad }),
      () => erasures.extend(1, bad),
      () => log.find({ actor: bad }),
    ]) {
      await expect(write()).rejects.toMatchObject({
        code: 'SOFT_DELETE_CONFIG',
        message: expect.stringContaining('has a NUL character in it'),
      });
    }
    expect(await test.database.query('select deleted_at from numbered')).toEqual([{ deleted_at: null }]);
  });

  it.each(['+012000-01-01', '-271821-04-20', '0000-05-05'])('is no time of %s', async (year) => {
    const { holds, erasures, log } = compliance;
    const at = new Date(`${year}T00:00:00Z`);
    for (const ask of [
      () => log.find({ from: at }),
      () => log.find({ to: at }),
      () => holds.place({ name: 'n', reason: 'r', on: [[Numbered, 1]], reviewAt: at }),
      () => erasures.erase(Numbered, 1, { requestedAt: at }),
      () => erasures.request(Numbered, 1, { requestedAt: at }),
    ]) {
      await expect(ask()).rejects.toMatchObject({
        code: 'SOFT_DELETE_CONFIG',
        message: expect.stringContaining('Write a valid Date of the years 1 to 8999'),
      });
    }
    expect(await test.database.query('select 1 from erasure union all select 1 from legal_hold')).toEqual([]);
  });

  it.each(['99999999d', '1001 years', Number.MAX_SAFE_INTEGER, 1e300])('is no length of time: %p', async (length) => {
    const refused = { code: 'SOFT_DELETE_CONFIG', message: expect.stringContaining('is longer than a thousand years') };
    const { erasures } = compliance;
    await expect(erasures.request(Numbered, 1, { after: length as never })).rejects.toMatchObject(refused);
    expect(() => createCompliance(test.orm, { erasure: { deadline: length as never } })).toThrow(
      expect.objectContaining(refused),
    );
  });

  it.each([undefined, null, '', 0])('is nothing that %p could be', async (nothing: any) => {
    const { holds, log } = compliance;
    const code = { code: expect.stringMatching(/^(SOFT_DELETE_CONFIG|NOT_SOFT_DELETABLE)$/) };
    await expect(holds.of(nothing, 1)).rejects.toMatchObject(code);
    await expect(holds.place({ name: 'n', reason: 'r', on: [[nothing, 1]] })).rejects.toMatchObject(code);
    if (nothing !== undefined) {
      await expect(log.find({ entity: nothing })).rejects.toMatchObject(code);
      expect(() => complianceTablesSql({ schema: nothing })).toThrow(expect.objectContaining(code));
    }
    expect(() => createCompliance(nothing)).toThrow(expect.objectContaining(code));
    expect(() => createCompliance(Promise.resolve(test.orm) as never)).toThrow(expect.objectContaining(code));
    expect(() => withDeletionContext({ reason: 'r' }, nothing)).toThrow(expect.objectContaining(code));
    expect(() => runInScope(test.orm.em, 'with', nothing)).toThrow(expect.objectContaining(code));
  });

  it.each([
    [7, '7'],
    [7n, '7'],
    [null, null],
    ['ada', 'ada'],
  ])('an actor %p is %p', async (actor, recorded) => {
    const installation = getInstallation(test.orm.em);
    installation.actor = () => actor as never;
    const repository = test.orm.em.fork().getRepository(Numbered) as unknown as SoftDeleteRepository<Numbered>;
    await repository.softDelete(1);
    await repository.restore(1);
    const actors = await test.database.query('select distinct actor from deletion_record order by 1');
    expect(actors.map((row) => row.actor)).toContain(recorded);
  });

  it.each([[Promise.resolve('ada')], [{ id: 7 }], [true], ['a\0']])('an actor is not %p', async (actor) => {
    const installation = getInstallation(test.orm.em);
    installation.actor = () => actor as never;
    const em = test.orm.em.fork();
    const repository = em.getRepository(Numbered) as unknown as SoftDeleteRepository<Numbered>;
    await expect(repository.softDelete(1)).rejects.toMatchObject({ code: 'SOFT_DELETE_CONFIG' });
    em.remove(await em.findOneOrFail(Numbered, 1));
    await expect(em.flush()).rejects.toThrow('it is not awaited');
    expect(await test.database.query('select deleted_at from numbered')).toEqual([{ deleted_at: null }]);
  });
});
