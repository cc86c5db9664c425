import { NotFoundError } from '@mikro-orm/core';
import { ConflictException, Controller, Delete, Get, Param, Post } from '@nestjs/common';
import { type Erasure, ErasureService } from 'nestjs-mikro-orm-soft-delete/compliance';
import { ApiProblems } from '../http/api-problems.decorator.js';
import { Customer } from '../entities/customer.entity.js';
import { IdPipe } from '../http/id.pipe.js';
import { ErasureDto } from './erasure.dto.js';

/** Closing an account hides a customer; an erasure leaves nothing of them but what the law or a dispute keeps. */
@Controller('customers/:id/erasure')
export class CustomerErasureController {
  constructor(private readonly erasures: ErasureService) {}

  /** Asks for the erasure of a customer, whose account may be closed. Asked again, it answers as it stands. */
  @Post()
  @ApiProblems(400, 404)
  async ask(@Param('id', IdPipe) id: number): Promise<ErasureDto> {
    return this.describe(
      await this.erasures.request(Customer, id, { after: '14d', reason: 'the customer asked for it' }),
    );
  }

  /** How an erasure stands, and by when it has to be done. */
  @Get()
  @ApiProblems(400, 404)
  async show(@Param('id', IdPipe) id: number): Promise<ErasureDto> {
    return this.describe(await this.findLatest(id));
  }

  /** The customer has thought better of it, before anything was erased. */
  @Delete()
  @ApiProblems(400, 404, 'tooLate')
  async withdraw(@Param('id', IdPipe) id: number): Promise<ErasureDto> {
    const latest = await this.findLatest(id);
    if (latest.state !== 'requested') {
      throw new ConflictException(`The erasure of customer ${id} is ${latest.state}.`);
    }
    return this.describe(await this.erasures.withdraw(latest.id));
  }

  private async findLatest(id: number): Promise<Erasure> {
    const { erasures } = await this.erasures.status();
    const latest = erasures.findLast(({ subject }) => subject.entity === Customer.name && subject.key === id);
    if (!latest) {
      throw new NotFoundError(`Nobody has asked for the erasure of customer ${id}.`);
    }
    return latest;
  }

  /** What it has done, or else would do today. */
  private async describe(erasure: Erasure): Promise<ErasureDto> {
    const { certificate, subject } = erasure;
    return ErasureDto.of(erasure, certificate ?? (await this.erasures.plan(Customer, subject.key as number)));
  }
}
