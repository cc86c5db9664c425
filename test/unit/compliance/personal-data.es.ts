import type { Rel } from '@mikro-orm/core';
import { Entity, ManyToOne, PrimaryKey, Property } from '@mikro-orm/decorators/es';
import { erased, PersonalData } from 'nestjs-mikro-orm-soft-delete/compliance';

@PersonalData<Person>({ subject: true, fields: { email: erased.email() } })
@Entity()
export class Person {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  email!: string;
}

@Entity()
@PersonalData<NoteOfPerson>({ of: 'person', erase: 'row' })
export class NoteOfPerson {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Person)
  person!: Rel<Person>;
}
