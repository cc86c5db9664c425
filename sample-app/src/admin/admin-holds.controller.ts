import { NotFoundError } from '@mikro-orm/core';
import { Body, Delete, Get, Param, Post } from '@nestjs/common';
import { InjectSoftDeleteRepository, type SoftDeleteRepository } from 'nestjs-mikro-orm-soft-delete';
import { LegalHoldService } from 'nestjs-mikro-orm-soft-delete/compliance';
import { ApiProblems } from '../http/api-problems.decorator.js';
import { Customer } from '../entities/customer.entity.js';
import { IdPipe } from '../http/id.pipe.js';
import { Admin } from './admin.decorator.js';
import { HoldDto, PlaceHoldDto } from './hold.dto.js';

/** While a hold covers a customer, neither the purge nor an erasure touches them, nor what lies behind them. */
@Admin('customers/:id/holds')
export class AdminHoldsController {
  constructor(
    @InjectSoftDeleteRepository(Customer) private readonly customers: SoftDeleteRepository<Customer>,
    private readonly holds: LegalHoldService,
  ) {}

  /** The holds that cover a customer. */
  @Get()
  @ApiProblems(400)
  async list(@Param('id', IdPipe) id: number): Promise<HoldDto[]> {
    return (await this.holds.of(Customer, id)).map((hold) => HoldDto.of(hold));
  }

  /** Places a hold, once for each name. */
  @Post()
  @ApiProblems(400, 404)
  async place(@Param('id', IdPipe) id: number, @Body() { name, reason }: PlaceHoldDto): Promise<HoldDto> {
    await this.customers.withDeleted().findOneOrFail(id);
    const there = (await this.holds.of(Customer, id)).find((hold) => hold.name === name);
    return HoldDto.of(there ?? (await this.holds.place({ name, reason, on: [[Customer, id]], actor: 'admin' })));
  }

  /** Releases a hold. What an erasure had to leave is erased by its next run. */
  @Delete(':hold')
  @ApiProblems(400, 404)
  async release(@Param('id', IdPipe) id: number, @Param('hold', IdPipe) hold: number): Promise<HoldDto> {
    const there = (await this.holds.of(Customer, id)).find((one) => one.id === hold);
    if (!there) {
      throw new NotFoundError(`No hold ${hold} covers customer ${id}.`);
    }
    return HoldDto.of(await this.holds.release(hold, { reason: 'released by the admin', actor: 'admin' }));
  }
}
