import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { MikroOrmModule } from '@mikro-orm/nestjs';
import { PostgreSqlDriver } from '@mikro-orm/postgresql';
import { SoftDeletable, SoftDeletableEntity, SoftDeleteRepository } from 'nestjs-mikro-orm-soft-delete';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';

@SoftDeletable({ retention: '1h' })
@Entity({ tableName: 'person' })
export class Person extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @Property({ type: 'text' })
  name!: string;
}

export class PetRepository extends SoftDeleteRepository<Pet> {
  findByName(name: string): Promise<Pet | null> {
    return this.findOne({ name });
  }
}

@SoftDeletable()
@Entity({ tableName: 'pet', repository: () => PetRepository })
export class Pet extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @Property({ type: 'text' })
  name!: string;
}

/** Not soft-deletable. */
@Entity({ tableName: 'city' })
export class City {
  @PrimaryKey({ type: 'integer' })
  id!: number;
}

/** A database with the tables of the entities above, and two rows in each: Ada, active, and Bob, deleted two hours ago. */
export async function createPeopleDatabase(): Promise<TestDatabase> {
  const database = await createTestDatabase();
  for (const table of ['person', 'pet']) {
    await database.query(
      `create table ${table} (id serial primary key, name text not null, deleted_at timestamptz null);
       insert into ${table} (name, deleted_at) values ('Ada', null), ('Bob', now() - interval '2 hours')`,
    );
  }
  await database.query('create table city (id serial primary key)');
  return database;
}

export function mikroOrmModule(database: TestDatabase, contextName?: string) {
  return MikroOrmModule.forRoot({
    driver: PostgreSqlDriver,
    clientUrl: database.url,
    entities: [Person, Pet, City],
    registerRequestContext: contextName === undefined,
    ...(contextName && { contextName }),
  });
}
