"""The controllers: the scheduler and the job controller, which act when objects change."""
