use tch as _;
