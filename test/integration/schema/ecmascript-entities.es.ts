import type { Rel } from '@mikro-orm/core';
import { Entity, Index, OneToOne, PrimaryKey, Property } from '@mikro-orm/decorators/es';
import { ActiveIndex, ActiveUnique, SoftDeletable, SoftDeletableEntity } from 'nestjs-mikro-orm-soft-delete';

@Entity({ abstract: true })
abstract class Keyed {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'Date', nullable: true })
  removedAt?: Date;
}

@SoftDeletable({ property: 'removedAt', guard: true })
@ActiveUnique({ properties: ['room', 'seat'] })
@Entity()
class Seat extends Keyed {
  @ActiveUnique()
  @Property({ type: 'string' })
  code!: string;

  @Property({ type: 'string' })
  room!: string;

  @Index()
  @Property({ type: 'number' })
  seat!: number;
}

@Entity()
@ActiveIndex({ properties: 'note' })
@SoftDeletable()
class Booking extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  note!: string;

  @OneToOne(() => Seat)
  seat!: Rel<Seat>;

  @OneToOne(() => Seat)
  @ActiveUnique({ name: 'booking_former' })
  former!: Rel<Seat>;
}

export const entities = [Seat, Booking];
