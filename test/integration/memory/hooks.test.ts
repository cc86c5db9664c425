import { type EventArgs, type EventSubscriber } from '@mikro-orm/core';
import { BeforeUpdate, Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import type { EntityManager } from '@mikro-orm/postgresql';
import { SoftDeletable, SoftDeletableEntity } from 'nestjs-mikro-orm-soft-delete';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

@SoftDeletable()
@Entity()
class Paper extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;
  @Property({ type: 'text' })
  title!: string;
  @Property({ type: 'text', nullable: true })
  deletedBy?: string | null;
  @Property({ type: 'json', nullable: true })
  trail?: { at: string }[] | null;

  @BeforeUpdate()
  sign(): void {
    this.deletedBy = 'the hook';
  }
}

/** An audit subscriber of the application. */
class Trail implements EventSubscriber<Paper> {
  getSubscribedEntities() {
    return [Paper];
  }
  beforeUpdate({ entity }: EventArgs<Paper>): void {
    entity.trail = [{ at: 'removal' }];
  }
}

describe.each([false, true])('what hooks write during a removal, forceUndefined: %s', (forceUndefined) => {
  let test: TestOrm;
  let em: EntityManager;

  beforeAll(async () => {
    test = await createTestOrm([Paper], { forceUndefined, subscribers: [new Trail()] });
  });
  beforeEach(async () => {
    await test.database.query(`truncate paper; insert into paper (id, title) values (1, 'one')`);
    em = test.orm.em.fork() as EntityManager;
  });
  afterAll(() => test.close());

  const row = async () =>
    (await test.database.query('select title, deleted_by, trail, deleted_at is not null as deleted from paper'))[0];
  const writesNothing = async () => {
    const before = await row();
    test.statements.length = 0;
    await em.flush();
    expect(test.statements).toEqual([]);
    await expect(row()).resolves.toEqual(before);
  };

  it('is in memory as it is in the row, and what the caller left unsaved is in neither', async () => {
    const paper = await em.findOneOrFail(Paper, 1);
    paper.title = 'unsaved';
    em.remove(paper);
    await em.flush();

    await expect(row()).resolves.toEqual({
      title: 'one',
      deleted_by: 'the hook',
      trail: [{ at: 'removal' }],
      deleted: true,
    });
    expect(paper).toMatchObject({ title: 'one', deletedBy: 'the hook', trail: [{ at: 'removal' }] });
    await writesNothing();
  });

  it('is in neither once the removal is rolled back', async () => {
    const paper = await em.findOneOrFail(Paper, 1);
    const failure = new Error('rolled back');
    await expect(
      em.transactional(async (tx) => {
        tx.remove(paper);
        await tx.flush();
        throw failure;
      }),
    ).rejects.toBe(failure);

    await expect(row()).resolves.toEqual({ title: 'one', deleted_by: null, trail: null, deleted: false });
    expect(paper.deletedBy ?? null).toBeNull();
    expect(paper.trail ?? null).toBeNull();
    expect(paper.deletedAt ?? null).toBeNull();
    await writesNothing();
  });
});
