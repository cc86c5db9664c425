import { Get, HttpCode, ParseBoolPipe, Post, Query } from '@nestjs/common';
import { ApiQuery } from '@nestjs/swagger';
import { type PurgeReport, PurgeService, type PurgeStatus } from 'nestjs-mikro-orm-soft-delete';
import { ApiProblems } from '../http/api-problems.decorator.js';
import { Admin } from './admin.decorator.js';

@Admin('purge')
export class AdminPurgeController {
  constructor(private readonly purge: PurgeService) {}

  /** How many rows are deleted, and how many of them are past their retention. */
  @Get()
  async status(): Promise<PurgeStatus> {
    return this.purge.status();
  }

  /** Removes what is past its retention for good; `?dryRun=true` says what that would be and removes nothing. */
  @Post()
  @HttpCode(200)
  @ApiProblems(400)
  @ApiQuery({ name: 'dryRun', type: Boolean, required: false })
  async run(@Query('dryRun', new ParseBoolPipe({ optional: true })) dryRun = false): Promise<PurgeReport> {
    return this.purge.run({ dryRun });
  }
}
