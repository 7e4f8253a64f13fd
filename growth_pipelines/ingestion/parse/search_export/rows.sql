select *, getvariable('site_url') as site_url from landed
