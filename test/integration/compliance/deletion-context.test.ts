import { setTimeout as sleep } from 'node:timers/promises';
import { withDeletionContext } from 'nestjs-mikro-orm-soft-delete/compliance';
import type { Subscription } from 'rxjs';
import { getInstallation } from '../../../lib/installation/installation.js';
import { Tag } from '../../support/library.js';
import { useLibrary } from '../../support/use-library.js';

describe(withDeletionContext.name, () => {
  const library = useLibrary();
  let told: (string | undefined)[][];
  let subscription: Subscription;

  beforeEach(async () => {
    await library.database.query(`insert into tag (name) select n::text from generate_series(1, 9) as n`);
    told = [];
    const installation = getInstallation(library.orm.em);
    installation.actor = () => 'module';
    subscription = installation.events.stream$.subscribe(({ actor, reason }) => told.push([actor, reason]));
  });
  afterEach(() => subscription.unsubscribe());

  const remove = async (id: number) => {
    const em = library.fork();
    em.remove(await em.findOneOrFail(Tag, id));
    await em.flush();
  };

  it('says who deletes and why, through both doors', async () => {
    await withDeletionContext({ actor: 'job', reason: 'duplicate' }, async () => {
      await remove(1);
      await library.repo(Tag).softDelete(2);
      await library.repo(Tag).restore(2);
      await library.repo(Tag).hardDelete(2);
    });
    expect(told).toEqual(Array.from({ length: 4 }, () => ['job', 'duplicate']));
  });

  it('yields to what the operation says, and goes before the module, part by part', async () => {
    await withDeletionContext({ actor: 'job', reason: 'duplicate' }, async () => {
      await library.repo(Tag).softDelete(1, { reason: 'spam' });
      await withDeletionContext({ actor: 'inner' }, () => remove(2));
      await remove(3);
    });
    await withDeletionContext({ reason: 'nightly' }, () => remove(4));
    await remove(5);
    expect(told).toEqual([
      ['job', 'spam'],
      ['inner', 'duplicate'],
      ['job', 'duplicate'],
      ['module', 'nightly'],
      ['module', undefined],
    ]);
  });

  it('keeps what runs at the same time apart', async () => {
    await Promise.all(
      ['a', 'b', 'c'].map((actor, i) =>
        withDeletionContext({ actor }, async () => {
          await sleep(5 - i);
          await remove(i + 1);
        }),
      ),
    );
    expect(told.map(([actor]) => actor).sort()).toEqual(['a', 'b', 'c']);
  });

  it('ends with its function: a promise that nobody awaited deletes without it', async () => {
    let late: Promise<void> | undefined;
    await withDeletionContext({ actor: 'job' }, async () => {
      late = sleep(20).then(() => remove(1));
    });
    await late;
    withDeletionContext({ actor: 'job' }, () => {
      late = sleep(20).then(() => remove(2));
    });
    await late;
    expect(told).toEqual([
      ['module', undefined],
      ['module', undefined],
    ]);
  });

  it('ends when its function throws, and hands the error on', async () => {
    let late: Promise<void> | undefined;
    const failing = withDeletionContext({ actor: 'job' }, () => {
      late = sleep(20).then(() => remove(1));
      return Promise.reject(new Error('failed'));
    });
    await expect(failing).rejects.toThrow('failed');
    await late;
    expect(() =>
      withDeletionContext({ actor: 'job' }, () => {
        throw new Error('at once');
      }),
    ).toThrow('at once');
    expect(told).toEqual([['module', undefined]]);
  });

  it('returns what the function returns', async () => {
    expect(withDeletionContext({}, () => 7)).toBe(7);
    await expect(withDeletionContext({}, () => Promise.resolve(8))).resolves.toBe(8);
  });

  it.each([[{ actor: '' }], [{ reason: 5 }], [{ actr: 'x' }], [undefined]])(
    'refuses %j before it calls anything',
    (wrong) => {
      let calls = 0;
      expect(() => withDeletionContext(wrong as never, () => calls++)).toThrow(
        expect.objectContaining({ code: 'SOFT_DELETE_CONFIG' }),
      );
      expect(calls).toBe(0);
    },
  );
});
