import { Cascade, Collection, type Rel } from '@mikro-orm/core';
import { Entity, Enum, ManyToMany, ManyToOne, OneToMany, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import type { EntityManager } from '@mikro-orm/postgresql';
import {
  createPurge,
  DeletionRestrictedError,
  SoftDeletable,
  SoftDeletableEntity,
  SoftDeleteRepository,
} from 'nestjs-mikro-orm-soft-delete';
import { untilBlocked } from '../../support/blocked.js';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

@SoftDeletable({ retention: '30d' })
@Entity({ discriminatorColumn: 'kind', discriminatorMap: { student: 'Student', tutor: 'Tutor' } as never })
class Person extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @Enum({ items: ['student', 'tutor'] })
  kind!: 'student' | 'tutor';
}

@Entity()
class Student extends Person {
  @ManyToMany({ entity: () => Course, pivotEntity: () => Enrolment })
  courses = new Collection<Course>(this);

  @OneToMany(() => Mark, (mark) => mark.student, { cascade: [Cascade.ALL] })
  marks = new Collection<Mark>(this);
}

@Entity()
class Tutor extends Person {
  @ManyToMany({ entity: () => Course, owner: true, pivotTable: 'tutor_course', joinColumn: 'tutor_id' })
  courses = new Collection<Course>(this);
}

@SoftDeletable({ retention: '30d' })
@Entity()
class Course extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  faculty!: number;

  @PrimaryKey({ type: 'integer' })
  number!: number;

  @ManyToMany({ entity: () => Student, mappedBy: 'courses' })
  students = new Collection<Student>(this);
}

/** A pivot row with rows behind it. */
@Entity()
class Enrolment {
  @ManyToOne({ entity: () => Student, primary: true, deleteRule: 'cascade' })
  student!: Rel<Student>;

  @ManyToOne({ entity: () => Course, primary: true, deleteRule: 'cascade' })
  course!: Rel<Course>;

  @Property({ type: 'string', default: '' })
  room!: string;

  /** Not one of the keys that link. */
  @ManyToOne({ entity: () => Folder, nullable: true, deleteRule: 'no action' })
  filedIn?: Rel<Folder> | null;

  @ManyToOne({ entity: () => Folder, nullable: true, deleteRule: 'cascade' })
  opened?: Rel<Folder> | null;
}

/** Links by keys that do not cascade. */
@SoftDeletable({ retention: '30d' })
@Entity()
class Club extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @ManyToMany({ entity: () => Folder, pivotEntity: () => Shelf })
  folders = new Collection<Folder>(this);
}

@Entity()
class Shelf {
  @ManyToOne({ entity: () => Club, primary: true, deleteRule: 'no action' })
  club!: Rel<Club>;

  @ManyToOne({ entity: () => Folder, primary: true, deleteRule: 'no action' })
  folder!: Rel<Folder>;
}

/** Plain: goes along with the enrolment. */
@Entity()
class Note {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @ManyToOne({ entity: () => Enrolment, deleteRule: 'cascade' })
  enrolment!: Rel<Enrolment>;

  @ManyToOne({ entity: () => Note, nullable: true, deleteRule: 'cascade' })
  answers?: Rel<Note> | null;
}

@SoftDeletable({ retention: '30d' })
@Entity()
class Mark extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @ManyToOne({ entity: () => Note, deleteRule: 'cascade' })
  note!: Rel<Note>;

  @ManyToOne({ entity: () => Student, nullable: true })
  student?: Rel<Student> | null;
}

/** Plain, and the database refuses to let it go. */
@Entity()
class Receipt {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @ManyToOne({ entity: () => Enrolment })
  enrolment!: Rel<Enrolment>;
}

/** Knows its enrolment, and the database does not. */
@SoftDeletable({ retention: '30d' })
@Entity()
class Excuse extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @ManyToOne({ entity: () => Enrolment, createForeignKeyConstraint: false })
  enrolment!: Rel<Enrolment>;
}

@SoftDeletable({ retention: '30d' })
@Entity()
class Wage extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;
}

/** Plain, behind a `cascade` relation. */
@SoftDeletable({ retention: '30d' })
@Entity()
class Folder extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @OneToMany(() => Sheet, (sheet) => sheet.folder, { cascade: [Cascade.ALL] })
  sheets = new Collection<Sheet>(this);
}

@Entity()
class Sheet {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @ManyToOne(() => Folder)
  folder!: Rel<Folder>;

  @ManyToMany({ entity: () => Note, owner: true, pivotTable: 'sheet_note' })
  notes = new Collection<Note>(this);
}

const ENTITIES = [
  Person,
  Student,
  Tutor,
  Course,
  Enrolment,
  Note,
  Mark,
  Receipt,
  Excuse,
  Wage,
  Folder,
  Sheet,
  Club,
  Shelf,
];
const TABLES = [
  'person',
  'course',
  'enrolment',
  'note',
  'mark',
  'receipt',
  'excuse',
  'tutor_course',
  'wage',
  'folder',
  'sheet',
  'sheet_note',
  'club',
  'shelf',
];

describe('rows behind pivot rows and behind plain rows', () => {
  let test: TestOrm;
  let em: EntityManager;

  beforeAll(async () => {
    test = await createTestOrm(ENTITIES);
    // Keys that only the database knows: to a pivot table without an entity, directly and through a further table.
    await test.database.query(`
      alter table wage add column tutor int, add column faculty int, add column number int, add column sheet int, add column note int,
        add foreign key (tutor, faculty, number) references tutor_course (tutor_id, course_faculty, course_number) on delete cascade,
        add foreign key (sheet, note) references sheet_note (sheet_id, note_id) on delete set null;
      create table hours (id int primary key, tutor int, faculty int, number int,
        foreign key (tutor, faculty, number) references tutor_course (tutor_id, course_faculty, course_number) on delete cascade)`);
  });
  afterAll(() => test.close());

  beforeEach(async () => {
    await test.database.query(`truncate ${TABLES.join(', ')}, hours restart identity cascade`);
    await test.database.query(`
      insert into person (id, kind) values (1, 'student'), (2, 'student'), (3, 'tutor');
      insert into course (faculty, number) values (1, 1), (1, 2);
      insert into enrolment (student_id, course_faculty, course_number) values (1, 1, 1), (1, 1, 2), (2, 1, 1);
      insert into note (id, enrolment_student_id, enrolment_course_faculty, enrolment_course_number, answers_id)
        values (1, 1, 1, 1, null), (2, 1, 1, 1, 1), (3, 2, 1, 1, null);
      insert into tutor_course values (3, 1, 1);
      insert into folder (id) values (1);
      insert into sheet (id, folder_id) values (1, 1);
      insert into sheet_note values (1, 3)`);
    em = test.orm.em.fork() as EntityManager;
  });

  const contents = async () => {
    const counts = [...TABLES, 'hours'].map((table) => `'${table}', (select count(*)::int from ${table})`);
    return (await test.database.query(`select jsonb_build_object(${counts.join(', ')}) as all`))[0].all;
  };
  const repo = <Entity extends object>(entity: new () => Entity) =>
    em.getRepository(entity) as unknown as SoftDeleteRepository<Entity>;

  /** Fails to remove, in both ways in which it can be asked, and says the same of it. */
  const expectRefused = async <Entity extends object>(
    entity: new () => Entity,
    target: never,
    restrictions: readonly object[],
  ) => {
    const before = await contents();
    const preview = await repo(entity).hardDelete(target, { dryRun: true });
    const error = await repo(entity)
      .hardDelete(target)
      .catch((e: unknown) => e);
    expect(error).toBeInstanceOf(DeletionRestrictedError);
    expect((error as DeletionRestrictedError).restrictions).toEqual(restrictions);
    expect(preview.restrictions).toEqual(restrictions);
    await expect(contents()).resolves.toEqual(before);
  };
  const purge = async () => {
    await test.database.query(
      ['person', 'course', 'folder', 'mark', 'excuse', 'wage']
        .map((table) => `update ${table} set deleted_at = deleted_at - interval '40 days' where deleted_at is not null`)
        .join('; '),
    );
    const figures = async (dryRun: boolean) => {
      const { entities } = await createPurge(test.orm).run({ dryRun });
      return entities
        .filter(({ purged, blocked, failed }) => purged + blocked + failed > 0)
        .map(({ entity, purged, blocked, failed, locked, blockedBy }) => ({
          entity,
          purged,
          blocked,
          failed,
          locked,
          blockedBy: blockedBy.map(({ table }) => table),
        }));
    };
    const rehearsed = await figures(true);
    const before = await contents();
    const done = await figures(false);
    expect(rehearsed).toEqual(done);
    return { done, before };
  };

  it('takes pivot rows along, and plain rows that declare that they go with them', async () => {
    await expect(repo(Student).hardDelete(1)).resolves.toBe(1);
    await expect(contents()).resolves.toMatchObject({ person: 2, enrolment: 1, note: 1, course: 2 });
  });

  it.each(['null', 'now()'])(
    'refuses while the database would take a soft-deletable row along (deleted: %s)',
    async (at) => {
      await test.database.query(`insert into mark (id, note_id, deleted_at) values (1, 2, ${at}), (2, 1, ${at})`);
      await expectRefused(Student, 1 as never, [{ relation: 'mark_note_id_foreign', entity: 'Mark', count: 2 }]);
      await expectRefused(Course, { faculty: 1, number: 1 } as never, [
        { relation: 'mark_note_id_foreign', entity: 'Mark', count: 2 },
      ]);
      await expect(repo(Student).hardDelete(2)).resolves.toBe(1);
    },
  );

  it('does not count rows that go as well', async () => {
    await test.database.query('insert into mark (id, note_id, student_id) values (1, 2, 1), (2, 1, 1), (3, 3, 1)');
    await expect(repo(Student).hardDelete(1)).resolves.toBe(4);
    await expect(contents()).resolves.toMatchObject({ person: 2, mark: 0, note: 1 });
  });

  it('refuses by keys that would fail, and by relations that the database does not know', async () => {
    await test.database.query(
      'insert into receipt (id, enrolment_student_id, enrolment_course_faculty, enrolment_course_number) values (1, 1, 1, 1)',
    );
    await expectRefused(Student, 1 as never, [
      expect.objectContaining({ relation: expect.stringMatching(/^receipt_/), entity: 'Receipt', count: 1 }),
    ]);
    await test.database.query(
      'delete from receipt; insert into excuse (id, enrolment_student_id, enrolment_course_faculty, enrolment_course_number) values (1, 1, 1, 1)',
    );
    await expectRefused(Student, 1 as never, [{ relation: 'Excuse.enrolment', entity: 'Excuse', count: 1 }]);
  });

  it('refuses by keys to pivot tables that have no entity, at any depth', async () => {
    await test.database.query('insert into wage (id, tutor, faculty, number) values (1, 3, 1, 1)');
    await expectRefused(Tutor, 3 as never, [
      expect.objectContaining({ relation: 'wage_tutor_faculty_number_fkey', entity: 'Wage', count: 1 }),
    ]);
    await expectRefused(Course, { faculty: 1, number: 1 } as never, [
      { relation: 'wage_tutor_faculty_number_fkey', entity: 'Wage', count: 1 },
    ]);
    await test.database.query('delete from wage; insert into hours values (1, 3, 1, 1)');
    await expectRefused(Tutor, 3 as never, [
      expect.objectContaining({ relation: 'hours_tutor_faculty_number_fkey', entity: 'hours', count: 1 }),
    ]);
  });

  it('refuses by a key to pivot rows that was added since', async () => {
    await repo(Folder).hardDelete(1, { dryRun: true });
    await test.database.query(
      `create table locker (sheet int, note int, foreign key (sheet, note) references sheet_note);
       insert into locker values (1, 3)`,
    );
    try {
      await expectRefused(Folder, 1 as never, [{ relation: 'locker_sheet_note_fkey', entity: 'locker', count: 1 }]);
      await test.database.query('alter table locker drop constraint locker_sheet_note_fkey');
      await expect(repo(Folder).hardDelete(1)).resolves.toBe(2);
    } finally {
      await test.database.query('drop table locker');
    }
  });

  it('refuses by rows behind the pivot rows of plain rows that go along', async () => {
    await test.database.query('insert into wage (id, sheet, note) values (1, 1, 3)');
    await expectRefused(Folder, 1 as never, [{ relation: 'wage_sheet_note_fkey', entity: 'Wage', count: 1 }]);
    await test.database.query('delete from wage');
    await expect(repo(Folder).hardDelete(1)).resolves.toBe(2);
    await expect(contents()).resolves.toMatchObject({ folder: 0, sheet: 0, sheet_note: 0 });
  });

  it('removes pivot rows whose keys do not cascade', async () => {
    await test.database.query('insert into club (id) values (1), (2); insert into shelf values (1, 1), (2, 1)');
    await expect(repo(Club).hardDelete(1)).resolves.toBe(1);
    await expect(contents()).resolves.toMatchObject({ club: 1, shelf: 1, folder: 1 });
    await expect(repo(Folder).hardDelete(1)).resolves.toBe(2);
    await expect(contents()).resolves.toMatchObject({ club: 1, shelf: 0, folder: 0 });
  });

  it('counts other keys of a pivot entity as those of any plain row', async () => {
    await test.database.query('insert into mark (id, note_id) values (1, 1); update enrolment set opened_id = 1');
    await expectRefused(Folder, 1 as never, [{ relation: 'mark_note_id_foreign', entity: 'Mark', count: 1 }]);
    await test.database.query('delete from mark; update enrolment set opened_id = null, filed_in_id = 1');
    await expectRefused(Folder, 1 as never, [
      { relation: 'enrolment_filed_in_id_foreign', entity: 'Enrolment', count: 3 },
    ]);
    await test.database.query('update enrolment set filed_in_id = null, opened_id = 1');
    await expect(repo(Folder).hardDelete(1)).resolves.toBe(2);
    await expect(contents()).resolves.toMatchObject({ folder: 0, enrolment: 0, note: 0 });
  });

  it('lets nobody add rows to what it has looked at', async () => {
    const [holder, writer] = [await test.database.connect(), await test.database.connect()];
    await holder.query('begin; lock table mark in access exclusive mode');
    const removal = repo(Course).hardDelete({ faculty: 1, number: 1 });
    await untilBlocked(test.database, removal);
    await writer.query("set lock_timeout = '200ms'");
    for (const insert of [
      'insert into receipt (id, enrolment_student_id, enrolment_course_faculty, enrolment_course_number) values (9, 2, 1, 1)',
      'insert into note (id, enrolment_student_id, enrolment_course_faculty, enrolment_course_number) values (9, 1, 1, 1)',
      'insert into note (id, enrolment_student_id, enrolment_course_faculty, enrolment_course_number, answers_id) values (9, 2, 1, 1, 2)',
    ]) {
      await expect(writer.query(insert)).rejects.toMatchObject({ code: '55P03' });
    }
    await holder.query('rollback');
    await expect(removal).resolves.toBe(1);
    await Promise.all([holder.end(), writer.end()]);
  });

  it('blocks the purge as it refuses hardDelete()', async () => {
    await test.database.query(`
      insert into mark (id, note_id) values (1, 2);
      insert into wage (id, tutor, faculty, number) values (1, 3, 1, 1);
      insert into wage (id, sheet, note) values (2, 1, 3);
      update person set deleted_at = now(); update course set deleted_at = now(); update folder set deleted_at = now()`);
    const { done, before } = await purge();
    expect(done).toEqual([
      { entity: 'Person', purged: 0, blocked: 3, failed: 0, locked: 0, blockedBy: ['mark', 'wage', 'wage'] },
      { entity: 'Folder', purged: 0, blocked: 1, failed: 0, locked: 0, blockedBy: ['wage'] },
      { entity: 'Course', purged: 1, blocked: 1, failed: 0, locked: 0, blockedBy: ['mark', 'wage', 'wage'] },
    ]);
    await expect(contents()).resolves.toEqual({ ...before, course: 1, enrolment: before.enrolment - 1 });
  });

  describe('collections', () => {
    const expectKept = async (flush: () => Promise<void>) => {
      const before = await contents();
      await expect(flush()).rejects.toThrow(DeletionRestrictedError);
      await expect(contents()).resolves.toEqual(before);
    };
    beforeEach(async () => {
      await test.database.query('insert into mark (id, note_id, deleted_at) values (1, 2, now())');
    });

    it('refuses to remove a member whose pivot row the database would remove soft-deletable rows with', async () => {
      const student = await em.findOneOrFail(Student, 1, { populate: ['courses'] });
      student.courses.remove(em.getReference(Course, [1, 1] as never));
      await expectKept(() => em.flush());
    });

    it('refuses it from the inverse side, and leaves nothing of a flush in a transaction of the caller', async () => {
      const before = await contents();
      const course = await em.findOneOrFail(Course, { faculty: 1, number: 1 }, { populate: ['students'] });
      const refused = em.transactional(async (tx) => {
        tx.create(Folder, { id: 9 });
        course.students.removeAll();
        await expect(tx.flush()).rejects.toThrow(DeletionRestrictedError);
        tx.clear();
      });
      await refused.catch(() => undefined);
      await expect(contents()).resolves.toEqual(before);
    });

    it('refuses to replace or empty a collection that was never loaded', async () => {
      const student = await em.findOneOrFail(Student, 1);
      student.courses.set([em.getReference(Course, [1, 2] as never)]);
      await expectKept(() => em.flush());
      em = test.orm.em.fork() as EntityManager;
      (await em.findOneOrFail(Student, 1)).courses.removeAll();
      await expectKept(() => em.flush());
    });

    it('lets members go that have nothing behind them, loaded or not', async () => {
      const student = await em.findOneOrFail(Student, 1, { populate: ['courses'] });
      student.courses.remove(em.getReference(Course, [1, 2] as never));
      await em.flush();
      await expect(contents()).resolves.toMatchObject({ enrolment: 2, note: 3, mark: 1 });
      em = test.orm.em.fork() as EntityManager;
      const again = await em.findOneOrFail(Student, 1);
      again.courses.set([em.getReference(Course, [1, 1] as never), em.getReference(Course, [1, 2] as never)]);
      await em.flush();
      (await em.findOneOrFail(Student, 2)).courses.removeAll();
      await em.flush();
      await expect(contents()).resolves.toMatchObject({ enrolment: 2, note: 2, mark: 1 });
    });
  });
});
